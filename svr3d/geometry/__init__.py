# SPDX-License-Identifier: Apache-2.0
"""Cameras, projections and rotations."""
