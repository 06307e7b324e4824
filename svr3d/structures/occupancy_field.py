# SPDX-License-Identifier: Apache-2.0
"""Implicit shapes: a function that tells the occupancy of any point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from .base import Structure, cell_centres
from .extraction_settings import ExtractionSettings
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
        decode_logits: The same as ``decode`` but for the logits of the probabilities;
            None where the field has only probabilities.
        extraction: How its surface is extracted.
    """

    codes: torch.Tensor
    decode: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    chunk_size: int = 32768
    threshold: float = DEFAULT_THRESHOLD
    decode_logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    extraction: ExtractionSettings = ExtractionSettings()

    def __len__(self) -> int:
        return self.codes.shape[0]

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate points (B, P, 3), or (P, 3) for all samples: (B, P)."""
        return self.decode(self.codes, self._for_each(points))

    def logits(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate points as a call does, but return logits (B, P).

        A field without ``decode_logits`` has none beyond +-log(1e7).
        """
        points = self._for_each(points)
        if self.decode_logits is not None:
            return self.decode_logits(self.codes, points)
        return torch.logit(self.decode(self.codes, points), eps=1e-7)

    def _for_each(self, points: torch.Tensor) -> torch.Tensor:
        return points.expand(len(self), *points.shape) if points.ndim == 2 else points

    def mirror(self, axis: int) -> OccupancyField:
        """Mirror the shapes along an axis, 0 to 2."""
        logits = self.decode_logits
        return replace(
            self,
            decode=partial(_mirrored, self.decode, axis),
            decode_logits=None if logits is None else partial(_mirrored, logits, axis),
        )

    def average(self, other: OccupancyField) -> OccupancyField:
        """Average the probabilities with those of a field with codes of equal shape."""
        both = (self.decode_logits, other.decode_logits)
        return replace(
            self,
            codes=torch.stack((self.codes, other.codes), dim=1),
            decode=partial(_averaged, self.decode, other.decode),
            decode_logits=None if None in both else partial(_averaged_logits, *both),
        )

    def _select(self, index: slice) -> OccupancyField:
        return self._with(self.codes[index])

    def _with(self, codes: torch.Tensor) -> OccupancyField:
        return replace(self, codes=codes)

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


def _mirrored(decode, axis, codes, points):
    """Decode at mirrored points."""
    signs = points.new_ones(3)
    signs[axis] = -1
    return decode(codes, points * signs)


def _averaged(first, second, codes, points):
    """Mean of two fields' probabilities."""
    return (first(codes[:, 0], points) + second(codes[:, 1], points)) / 2


def _averaged_logits(first, second, codes, points):
    """Logit of the mean of two fields' probabilities, which are given as logits."""
    values = torch.stack((first(codes[:, 0], points), second(codes[:, 1], points)))
    inside = F.logsigmoid(values).logsumexp(0)
    return inside - F.logsigmoid(-values).logsumexp(0)
