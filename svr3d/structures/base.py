# SPDX-License-Identifier: Apache-2.0
"""What the four representations share: a batch that can be sized, indexed and moved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from .mesh import Mesh
    from .point_cloud import PointCloud
    from .voxels import Voxels

Self = TypeVar("Self", bound="Structure")


class Structure(ABC):
    """A batch of shapes in the object frame ``[-0.5, 0.5]^3``.

    ``len`` is the batch size; indexing with an integer gives a batch of one sample,
    with a slice a smaller batch; iteration gives batches of one sample each, which is
    what metrics receive.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of samples."""

    @abstractmethod
    def _select(self: Self, index: slice) -> Self:
        """Return the samples of a slice."""

    @abstractmethod
    def to(self: Self, device: torch.device | str) -> Self:
        """Return the batch on another device."""

    @abstractmethod
    def to_voxels(self, resolution: int) -> Voxels:
        """Convert to a grid of occupancy probabilities."""

    @abstractmethod
    def to_mesh(self) -> Mesh:
        """Convert to triangle meshes."""

    @abstractmethod
    def to_points(self, num_points: int) -> PointCloud:
        """Convert to points on the surface."""

    def cpu(self: Self) -> Self:
        """Return the batch in host memory."""
        return self.to("cpu")

    def export(
        self, path: str | Path, *, threshold: float | None = None, mode: str = "smooth"
    ) -> Path:
        """Write the only sample to a mesh file or ``.binvox``.

        Args:
            path: File to write; see :func:`svr3d.structures.save_structure`.
            threshold: Level of the surface; None takes the batch's own.
            mode: How voxels become a surface, ``smooth`` or ``cubes``.
        """
        from .export import save_structure

        return save_structure(self, path, threshold=threshold, mode=mode)

    def __getitem__(self: Self, index: int | slice) -> Self:
        if isinstance(index, slice):
            return self._select(index)
        size = len(self)
        position = index + size if index < 0 else index
        if not 0 <= position < size:
            raise IndexError(f"sample {index} of a batch of {size}")
        return self._select(slice(position, position + 1))

    def __iter__(self: Self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples)"

    def _require_single(self) -> None:
        if len(self) != 1:
            raise ValueError(
                f"expected a batch of one sample, found {len(self)}: index it first"
            )


def cell_centres(
    resolution: int, *, device: torch.device | str | None = None
) -> torch.Tensor:
    """Return the centres of a grid's cells in the object frame.

    Args:
        resolution: Cells along one axis, R.
        device: Where the points are made.

    Returns:
        Points (R, R, R, 3) indexed ``[x, y, z]``; cell i has its centre at
        ``(i + 0.5) / R - 0.5``.
    """
    axis = (torch.arange(resolution, device=device) + 0.5) / resolution - 0.5
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
