# SPDX-License-Identifier: Apache-2.0
"""Voxels, points, meshes and occupancy fields, and how each becomes another."""
