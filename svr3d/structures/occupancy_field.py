# SPDX-License-Identifier: Apache-2.0
"""Implicit shapes: a function that tells the occupancy of any point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .base import Structure, cell_centres
from .voxels import DEFAULT_THRESHOLD, Voxels

if TYPE_CHECKING:
    from .mesh import Mesh
    from .point_cloud import PointCloud


@dataclass(repr=False, eq=False)
class OccupancyField(Structure):
    """A batch of implicit shapes.

    Attributes:
        codes: One code for each sample, (B, ...).
        decode: ``decode(codes (B, ...), points (B, P, 3)) -> probabilities (B, P)``,
            for points in the object frame.
        chunk_size: Points that are evaluated at once in a conversion.
        threshold: Level of the surface, where a conversion names no other.
    """

    codes: torch.Tensor
    decode: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    chunk_size: int = 32768
    threshold: float = DEFAULT_THRESHOLD

    def __len__(self) -> int:
        return self.codes.shape[0]

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate points (B, P, 3), or (P, 3) for all samples: (B, P)."""
        if points.ndim == 2:
            points = points.expand(len(self), *points.shape)
        return self.decode(self.codes, points)

    def _select(self, index: slice) -> OccupancyField:
        return self._with(self.codes[index])

    def _with(self, codes: torch.Tensor) -> OccupancyField:
        return OccupancyField(codes, self.decode, self.chunk_size, self.threshold)

    @classmethod
    def cat(cls, batches: Sequence[OccupancyField]) -> OccupancyField:
        """Join batches that share one decoder."""
        return batches[0]._with(torch.cat([batch.codes for batch in batches]))

    def to(self, device: torch.device | str) -> OccupancyField:
        """Return the codes on another device; move a decoder with weights yourself."""
        return self._with(self.codes.to(device))

    @torch.no_grad()
    def to_voxels(self, resolution: int = 32) -> Voxels:
        """Evaluate the field at the centres of a grid's cells."""
        points = cell_centres(resolution, device=self.codes.device).reshape(-1, 3)
        values = [self(chunk) for chunk in points.split(self.chunk_size)]
        grid = torch.cat(values, dim=1).reshape(len(self), *(resolution,) * 3)
        return Voxels(grid, self.threshold)

    def to_mesh(self, threshold: float | None = None, *, resolution: int = 64) -> Mesh:
        """Run marching cubes on a grid of the field.

        Args:
            threshold: Level of the surface; None takes the batch's own.
            resolution: Cells along one axis.
        """
        return self.to_voxels(resolution).to_mesh(threshold)

    def to_points(
        self,
        num_points: int,
        *,
        threshold: float | None = None,
        resolution: int = 64,
        seed: int = 0,
    ) -> PointCloud:
        """Sample the surface of the extracted mesh.

        Args:
            num_points: Points of each sample.
            threshold: Level of the surface; None takes the batch's own.
            resolution: Cells of the grid along one axis.
            seed: Of the random draws.
        """
        mesh = self.to_mesh(threshold, resolution=resolution)
        return mesh.to_points(num_points, seed=seed)
