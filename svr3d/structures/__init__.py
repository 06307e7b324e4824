# SPDX-License-Identifier: Apache-2.0
"""Voxels, points, meshes and occupancy fields, and how each becomes another."""

from .base import Structure, cell_centres
from .voxels import DEFAULT_THRESHOLD, Voxels

__all__ = ["DEFAULT_THRESHOLD", "Structure", "Voxels", "cell_centres"]
