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

Decode = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
_SMALLEST = 1e-7


@dataclass(repr=False, eq=False)
class OccupancyField(Structure):
    """A batch of implicit shapes.

    Attributes:
        codes: One code for each sample, (B, ...).
        decode: ``decode(codes (B, ...), points (B, P, 3)) -> probabilities (B, P)``,
            for points in the object frame.
        chunk_size: Points that are evaluated at once in a conversion, over the batch.
        threshold: Level of the surface, where a conversion names no other.
        decode_logits: The same as ``decode`` before the sigmoid; surfaces and normals
            are more exact by it. None takes the logits of the probabilities.
        extraction: How meshes are extracted.
        bound: ``bound(codes, points (B, P, 3), occupancies (B, P)) -> (B,), (B,)`` of
            heads that infer a latent vector: cross entropy and divergence, see
            :meth:`evidence`.
    """

    codes: torch.Tensor
    decode: Decode
    chunk_size: int = 32768
    threshold: float = DEFAULT_THRESHOLD
    decode_logits: Decode | None = None
    extraction: ExtractionSettings = ExtractionSettings()
    bound: Callable[..., tuple[torch.Tensor, torch.Tensor]] | None = None

    def __len__(self) -> int:
        return self.codes.shape[0]

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate points (B, P, 3), or (P, 3) for all samples: (B, P)."""
        return self.decode(self.codes, self._of_each(points))

    def logits(self, points: torch.Tensor) -> torch.Tensor:
        """Evaluate the logits of points (B, P, 3), or (P, 3) for all: (B, P)."""
        points = self._of_each(points)
        if self.decode_logits is not None:
            return self.decode_logits(self.codes, points)
        return torch.logit(self.decode(self.codes, points), eps=_SMALLEST)

    @torch.no_grad()
    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """Return probabilities (B, P) of many points, some at a time.

        Args:
            points: (B, P, 3), or (P, 3) for all samples.
        """
        points = self._of_each(points)
        chunks = points.split(self._points_at_once, dim=1)
        return torch.cat([self(chunk) for chunk in chunks], dim=1)

    @torch.enable_grad()
    def normals(self, points: torch.Tensor) -> torch.Tensor:
        """Return outward unit normals (B, P, 3): down the gradient of the logits.

        Weights of the decoder get no gradients.

        Args:
            points: (B, P, 3), or (P, 3) for all samples.
        """
        normals = []
        codes = self._with(self.codes.detach())
        for chunk in self._of_each(points).split(self._points_at_once, dim=1):
            chunk = chunk.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(codes.logits(chunk).sum(), chunk)
            normals.append(F.normalize(-slope, dim=2))
        return torch.cat(normals, dim=1)

    def evidence(
        self, points: torch.Tensor, occupancies: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what a validation loss sums: cross entropy and divergence.

        Args:
            points: (B, P, 3).
            occupancies: Labels (B, P) in {0, 1}.

        Returns:
            Cross entropy, summed over points, and divergence of a latent vector from
            its prior, which is 0 without one; (B,) each.
        """
        if self.bound is not None:
            return self.bound(self.codes, points, occupancies)
        logits = self.logits(points)
        labels = occupancies.to(logits)
        error = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return error.sum(1), error.new_zeros(len(self))

    def _of_each(self, points: torch.Tensor) -> torch.Tensor:
        if points.ndim == 2:
            points = points.expand(len(self), *points.shape)
        return points

    @property
    def _points_at_once(self) -> int:
        """Points of each sample."""
        return max(1, self.chunk_size // max(1, len(self)))

    def mirror(self, axis: int) -> OccupancyField:
        """Mirror the shapes along an axis, 0 to 2."""
        logits = self.decode_logits
        return replace(
            self,
            decode=partial(_mirrored, self.decode, axis),
            decode_logits=None if logits is None else partial(_mirrored, logits, axis),
            bound=None,
        )

    def average(self, other: OccupancyField) -> OccupancyField:
        """Average the probabilities with those of a field with codes of equal shape."""
        both = (self.decode_logits, other.decode_logits)
        return replace(
            self,
            codes=torch.stack((self.codes, other.codes), dim=1),
            decode=partial(_averaged, self.decode, other.decode),
            decode_logits=None if None in both else partial(_averaged_logits, *both),
            bound=None,
        )

    def _select(self, index: slice) -> OccupancyField:
        return self._with(self.codes[index])

    def take(self, indices: Sequence[int]) -> OccupancyField:
        """Return the samples of these numbers."""
        return self._with(self.codes[list(indices)])

    def _with(self, codes: torch.Tensor) -> OccupancyField:
        return replace(self, codes=codes)

    @classmethod
    def cat(cls, batches: Sequence[OccupancyField]) -> OccupancyField:
        """Join batches that share one decoder."""
        return batches[0]._with(torch.cat([batch.codes for batch in batches]))

    def to(self, device: torch.device | str) -> OccupancyField:
        """Return the codes on another device; move a decoder with weights yourself."""
        return self._with(self.codes.to(device))

    def to_voxels(self, resolution: int = 32) -> Voxels:
        """Evaluate the field at the centres of a grid's cells."""
        points = cell_centres(resolution, device=self.codes.device).reshape(-1, 3)
        grid = self.evaluate(points).reshape(len(self), *(resolution,) * 3)
        return Voxels(grid, self.threshold)

    def to_mesh(
        self, threshold: float | None = None, *, resolution: int | None = None
    ) -> Mesh:
        """Extract the surfaces, see :func:`~svr3d.structures.extract_meshes`.

        Args:
            threshold: Level of the surface; None takes the batch's own.
            resolution: Points along one axis of a regular grid, in place of what the
                batch's own ``extraction`` says.
        """
        from .mesh_extraction import extract_meshes

        settings = self.extraction
        if resolution is not None:
            settings = replace(settings, resolution=resolution, upsampling_steps=0)
        threshold = self.threshold if threshold is None else threshold
        return extract_meshes(self, threshold, settings)

    def to_points(
        self,
        num_points: int,
        *,
        threshold: float | None = None,
        resolution: int | None = None,
        seed: int = 0,
    ) -> PointCloud:
        """Sample the surface of the extracted mesh.

        Args:
            num_points: Points of each sample.
            threshold: Level of the surface; None takes the batch's own.
            resolution: As in :meth:`to_mesh`.
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
