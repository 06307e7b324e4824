# SPDX-License-Identifier: Apache-2.0
"""Voxel grids of occupancy probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from .base import Structure, cell_centres

if TYPE_CHECKING:
    from .mesh import Mesh
    from .point_cloud import PointCloud

DEFAULT_THRESHOLD = 0.4
"""Cells that reach this are solid unless told otherwise; best in 3D-R2N2's tests."""


@dataclass(repr=False, eq=False)
class Voxels(Structure):
    """A batch of voxel grids.

    Attributes:
        probabilities: Occupancy (B, R, R, R) in [0, 1], index order ``[x, y, z]``; cell
            i covers ``[i / R - 0.5, (i + 1) / R - 0.5]``. Boolean and integer grids
            stand for probabilities 0 and 1.
        threshold: Cells that reach it are solid, where a conversion names no other.
    """

    probabilities: torch.Tensor
    threshold: float = DEFAULT_THRESHOLD

    def __post_init__(self):
        shape = tuple(self.probabilities.shape)
        if len(shape) != 4 or len(set(shape[1:])) != 1:
            raise ValueError(f"voxels must be (B, R, R, R), found {shape}")

    def __len__(self) -> int:
        return self.probabilities.shape[0]

    def _select(self, index: slice) -> Voxels:
        return Voxels(self.probabilities[index], self.threshold)

    @classmethod
    def cat(cls, batches: Sequence[Voxels]) -> Voxels:
        """Join batches of one resolution; the first one's threshold counts."""
        grids = torch.cat([batch.probabilities for batch in batches])
        return cls(grids, batches[0].threshold)

    def mirror(self, axis: int) -> Voxels:
        """Mirror the grids along an axis, 0 to 2."""
        return Voxels(self.probabilities.flip(axis + 1), self.threshold)

    def average(self, other: Voxels) -> Voxels:
        """Average the probabilities with those of another batch of the same shape."""
        mean = (self.probabilities.float() + other.probabilities.float()) / 2
        return Voxels(mean, self.threshold)

    @property
    def resolution(self) -> int:
        """Cells along one axis."""
        return self.probabilities.shape[-1]

    @property
    def grid(self) -> torch.Tensor:
        """The only sample's grid (R, R, R).

        Raises:
            ValueError: The batch does not hold exactly one sample.
        """
        self._require_single()
        return self.probabilities[0]

    def to(self, device: torch.device | str) -> Voxels:
        """Return the grids on another device."""
        return Voxels(self.probabilities.to(device), self.threshold)

    def detach(self) -> Voxels:
        """Return the grids without their gradient history."""
        return Voxels(self.probabilities.detach(), self.threshold)

    def binary(self, threshold: float | None = None) -> torch.Tensor:
        """Return which cells reach the threshold and are solid: bool (B, R, R, R)."""
        threshold = self.threshold if threshold is None else threshold
        return self.probabilities >= threshold

    def at(self, points: torch.Tensor, *, truncate: bool = False) -> torch.Tensor:
        """Return the probabilities (B, P) of the cells that hold points.

        Args:
            points: (B, P, 3) in the object frame; 0 outside of the grid.
            truncate: Whether points up to one cell below the grid count as in its first
                cells, as truncation to an integer has it in the occupancy networks'
                program.
        """
        places = (points + 0.5) * self.resolution
        cells = (places.trunc() if truncate else places.floor()).long()
        inside = ((cells >= 0) & (cells < self.resolution)).all(dim=2)
        x, y, z = cells.clamp(0, self.resolution - 1).unbind(2)
        batch = torch.arange(len(self), device=cells.device)[:, None]
        return self.probabilities[batch, x, y, z] * inside

    def to_voxels(self, resolution: int) -> Voxels:
        """Resample to another resolution.

        Averages whole blocks where the new grid divides the old one, and interpolates
        between cell centres (trilinear, borders repeated) elsewhere.
        """
        if resolution == self.resolution:
            return self
        values = self.probabilities.float()[:, None]
        if self.resolution % resolution == 0:
            values = F.avg_pool3d(values, self.resolution // resolution)
        else:
            values = F.interpolate(
                values, size=(resolution,) * 3, mode="trilinear", align_corners=False
            )
        return Voxels(values[:, 0], self.threshold)

    def to_mesh(self, threshold: float | None = None, *, mode: str = "smooth") -> Mesh:
        """Extract the surface between solid and empty cells.

        Args:
            threshold: Cells that reach it are solid; None takes the batch's own.
            mode: ``smooth`` runs marching cubes between the cell centres; ``cubes``
                draws each solid cell as a box and keeps only exposed sides;
                ``inflated`` is the surface by which what3d judges voxels.

        Returns:
            Outward-facing triangles, closed at the border of the grid; a sample with
            no solid cell gives an empty mesh.
        """
        from .mesh import Mesh
        from .voxel_surface import cubes_surface, inflated_surface, smooth_surface

        surfaces = {
            "smooth": smooth_surface,
            "cubes": cubes_surface,
            "inflated": inflated_surface,
        }
        if mode not in surfaces:
            raise ValueError(f"mode must be one of {sorted(surfaces)}, found {mode!r}")
        threshold = self.threshold if threshold is None else threshold
        device = self.probabilities.device
        vertices, faces = [], []
        for grid in self.probabilities.detach().cpu().float().numpy():
            sample = surfaces[mode](grid, threshold)
            vertices.append(torch.from_numpy(sample[0]).to(device))
            faces.append(torch.from_numpy(sample[1]).to(device))
        return Mesh(vertices, faces)

    def to_points(
        self,
        num_points: int | None = None,
        *,
        threshold: float | None = None,
        seed: int = 0,
    ) -> PointCloud:
        """Sample the surface, or list the solid cells.

        Args:
            num_points: Points on the smooth surface for each sample; None takes the
                centres of the solid cells instead.
            threshold: Cells that reach it are solid; None takes the batch's own.
            seed: Of the random draws.
        """
        if num_points is not None:
            return self.to_mesh(threshold).to_points(num_points, seed=seed)
        from .point_cloud import PointCloud

        centres = cell_centres(self.resolution, device=self.probabilities.device)
        return PointCloud([centres[solid] for solid in self.binary(threshold)])
