# SPDX-License-Identifier: Apache-2.0
"""Batches of point sets of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .base import Structure

if TYPE_CHECKING:
    from .mesh import Mesh
    from .voxels import Voxels


@dataclass(repr=False, eq=False)
class PointCloud(Structure):
    """A batch of point sets.

    Attributes:
        points: For each sample (N_i, 3), in the object frame; a tensor (B, N, 3) stays
            a tensor.
        normals: Unit normals of the same shapes, or None.
        colors: Red, green and blue in [0, 1] of the same shapes, or None.
        poses: (B, 2) azimuth and elevation in radians from which each sample's image
            was seen, as a network tells them, or None.
    """

    points: Sequence[torch.Tensor] | torch.Tensor
    normals: Sequence[torch.Tensor] | torch.Tensor | None = None
    colors: Sequence[torch.Tensor] | torch.Tensor | None = None
    poses: torch.Tensor | None = None

    def __post_init__(self):
        for index, part in enumerate(self.points):
            if part.ndim != 2 or part.shape[1] != 3:
                raise ValueError(
                    f"points[{index}] must be (N, 3), found {tuple(part.shape)}"
                )
        expected = [tuple(part.shape) for part in self.points]
        for name in ("normals", "colors"):
            values = getattr(self, name)
            if values is None:
                continue
            found = [tuple(part.shape) for part in values]
            if expected != found:
                raise ValueError(f"points have shapes {expected}, {name} {found}")
        if self.poses is not None and self.poses.shape != (len(expected), 2):
            raise ValueError(
                f"poses must be ({len(expected)}, 2), found {tuple(self.poses.shape)}"
            )

    def __len__(self) -> int:
        return len(self.points)

    def _select(self, index: slice) -> PointCloud:
        chosen = (part if part is None else part[index] for part in self._parts)
        return PointCloud(*chosen)

    @property
    def _parts(self) -> tuple[Sequence[torch.Tensor] | torch.Tensor | None, ...]:
        return self.points, self.normals, self.colors, self.poses

    @classmethod
    def cat(cls, batches: Sequence[PointCloud]) -> PointCloud:
        """Join batches; normals, colours, poses stay only if all batches have them."""
        joined = []
        for parts in zip(*(batch._parts for batch in batches), strict=True):
            whole = all(part is not None for part in parts)
            joined.append([item for part in parts for item in part] if whole else None)
        *rest, poses = joined
        return cls(*rest, None if poses is None else torch.stack(poses))

    def to(self, device: torch.device | str) -> PointCloud:
        """Return the points on another device."""
        parts = (
            part.to(device)
            if isinstance(part, torch.Tensor)
            else part and [sample.to(device) for sample in part]
            for part in self._parts
        )
        return PointCloud(*parts)

    def to_voxels(self, resolution: int = 32) -> Voxels:
        """Set the cells that hold a point to 1; points outside the frame are left out.

        Only the surface is set: a set of surface points does not tell what is inside.
        """
        from .voxels import Voxels

        grids = []
        for points in self.points:
            cells = ((points.detach() + 0.5) * resolution).floor().long()
            cells = cells[((cells >= 0) & (cells < resolution)).all(dim=1)]
            grid = torch.zeros((resolution,) * 3, device=points.device)
            grid[cells.unbind(1)] = 1.0
            grids.append(grid)
        return Voxels(torch.stack(grids))

    def to_mesh(self, resolution: int = 32) -> Mesh:
        """Draw the cells that hold a point as boxes; not a surface reconstruction.

        Args:
            resolution: Cells along one axis.
        """
        return self.to_voxels(resolution).to_mesh(0.5, mode="cubes")

    def to_points(self, num_points: int | None = None, *, seed: int = 0) -> PointCloud:
        """Draw a number of the points; with replacement where there are too few.

        Args:
            num_points: Points of each sample; None keeps all.
            seed: Of the random draws.
        """
        if num_points is None:
            return self
        chosen = []
        for points in self.points:
            generator = torch.Generator().manual_seed(seed)
            if len(points) >= num_points:
                index = torch.randperm(len(points), generator=generator)[:num_points]
            elif len(points):
                index = torch.randint(len(points), (num_points,), generator=generator)
            else:
                raise ValueError("cannot draw points from an empty set")
            chosen.append(index.to(points.device))
        drawn = (
            None if part is None else [p[i] for p, i in zip(part, chosen, strict=True)]
            for part in self._parts[:3]
        )
        return PointCloud(*drawn, self.poses)
