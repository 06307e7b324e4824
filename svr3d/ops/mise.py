# SPDX-License-Identifier: Apache-2.0
"""Multi-resolution iso-surface extraction: where to evaluate a field."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import check_size
from svr3d.ops._torch.mise import (
    mise_fill_torch,
    mise_split_torch,
    mise_store_torch,
)


class MISE:
    """Finds the points of a grid near a field's level surface, coarse to fine.

    Mescheder et al., "Occupancy Networks" (2019), section 3.3, with the published
    program's sets of points per round, their order, and its filled grid. Voxels of an
    octree, at first ``resolution`` along an axis, are split in eight while values on
    their closed boxes, hanging points of finer neighbours included, lie on both sides
    of the threshold (a value equal to it lies on both).

    The loop, for a batch of objects::

        extraction = MISE(32, 2, threshold, batch=len(codes))
        while any(map(len, points := extraction.query())):
            extraction.update([field(code, p) for code, p in zip(codes, points)])
        grids = extraction.to_dense()

    Book-keeping runs on the CPU, one object's bits after the other.

    Args:
        resolution: Voxels along an axis at first.
        depth: How often a voxel may be split; the finest grid has
            ``resolution * 2**depth`` cells and one more points along an axis.
        threshold: Level of the surface, in the units of the values.
        batch: Number of objects.

    Raises:
        TypeError: If an argument's type is wrong.
        ValueError: If an argument is out of bounds.
    """

    def __init__(
        self, resolution: int, depth: int, threshold: float, *, batch: int = 1
    ):
        start = check_size(resolution, "resolution", high=1024)
        depth = check_size(depth, "depth", low=0, high=10)
        batch = check_size(batch, "batch", low=0)
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            raise TypeError(
                f"threshold: expected a float, found {type(threshold).__name__}"
            )
        if not math.isfinite(threshold):
            raise ValueError(f"threshold: expected a finite number, found {threshold}")
        if start << depth > 1024:
            raise ValueError(
                "depth: expected resolution * 2**depth up to 1024, found "
                f"{start << depth}"
            )
        self.threshold = float(threshold)
        self.resolution = start << depth
        size = self.resolution + 1
        edge = 1 << depth
        axes = [torch.arange(start + 1) * edge] * 3
        corners = torch.cartesian_prod(*axes)
        roots = torch.cartesian_prod(*(axis[:-1] for axis in axes)).int()
        roots = torch.nn.functional.pad(roots, (0, 1), value=depth)
        self._voxels = [roots[: len(roots) if depth else 0]] * batch
        self._bits = [
            torch.zeros(3, size, size, (size + 63) // 64, dtype=torch.int64)
            for _ in range(batch)
        ]
        # What no bit marks as existing is never read.
        self._dense = [
            torch.empty(size, size, size, dtype=torch.float64) for _ in range(batch)
        ]
        self._queue = [corners] * batch

    def query(self) -> list[Tensor]:
        """Returns the points (P_i, 3) int64 of each object whose values are wanted.

        Coordinates run from 0 to ``resolution`` of the finest grid. Objects whose
        surface is found have none.
        """
        return list(self._queue)

    def update(self, values: Sequence[Tensor]) -> None:
        """Takes the values (P_i,) at the points of the last query, and refines.

        Raises:
            TypeError: If a part's type or dtype is wrong.
            ValueError: If the number of parts or of values is wrong, or one is NaN.
        """
        if len(values) != len(self._queue):
            raise ValueError(
                f"values: expected {len(self._queue)} parts, found {len(values)}"
            )
        checked = [
            self._check_values(part, number) for number, part in enumerate(values)
        ]
        for number, part in enumerate(checked):
            if len(part):
                self._refine(number, part)

    def _check_values(self, values: Tensor, number: int) -> Tensor:
        name = f"values[{number}]"
        if not isinstance(values, Tensor):
            raise TypeError(f"{name}: expected a Tensor, found {type(values).__name__}")
        if not values.is_floating_point():
            raise TypeError(f"{name}: expected a floating dtype, found {values.dtype}")
        expected = (len(self._queue[number]),)
        if values.shape != expected:
            raise ValueError(
                f"{name}: expected shape {expected}, found {tuple(values.shape)}"
            )
        values = values.detach().cpu().double()
        if bool(values.isnan().any()):
            raise ValueError(f"{name}: expected numbers, found NaN")
        return values

    def _refine(self, number: int, values: Tensor) -> None:
        bits, voxels = self._bits[number], self._voxels[number]
        stored = bits, self._dense[number], self._queue[number], values, self.threshold
        if _library.has_kernel("mise_split", bits):
            torch.ops.svr3d.mise_store(*stored)
            found = torch.ops.svr3d.mise_split(bits, voxels)
        else:
            mise_store_torch(*stored)
            found = mise_split_torch(bits, voxels)
        self._voxels[number], self._queue[number] = found

    def to_dense(self) -> Tensor:
        """Returns grids (B, N, N, N) float64 with ``N = resolution + 1``.

        Values that were evaluated stay; every other is that of the point before it
        along x, else along y, else along z, which has the right sign.
        """
        size = self.resolution + 1
        grids = torch.empty(len(self._bits), size, size, size, dtype=torch.float64)
        kernel = bool(self._bits) and _library.has_kernel("mise_fill", self._bits[0])
        fill = torch.ops.svr3d.mise_fill if kernel else mise_fill_torch
        for bits, dense, filled in zip(self._bits, self._dense, grids, strict=True):
            fill(bits, dense, filled)
        return grids


def evaluate_grids(
    field: Callable[[int, Tensor], Tensor],
    resolution: int,
    depth: int,
    threshold: float,
    *,
    batch: int = 1,
) -> Tensor:
    """Runs MISE to its end.

    Args:
        field: Takes the number of an object and points (P, 3) int64 of the finest
            grid, returns values (P,).
        resolution: Voxels along an axis at first.
        depth: How often a voxel may be split.
        threshold: Level of the surface.
        batch: Number of objects.

    Returns:
        Grids (B, N, N, N) float64, ``N = resolution * 2**depth + 1``.
    """
    extraction = MISE(resolution, depth, threshold, batch=batch)
    while any(map(len, points := extraction.query())):
        extraction.update(
            [
                field(number, part) if len(part) else torch.zeros(0)
                for number, part in enumerate(points)
            ]
        )
    return extraction.to_dense()


if _library.load():
    torch.library.register_fake("svr3d::mise_store", lambda *_: None)

    @torch.library.register_fake("svr3d::mise_split")
    def _fake_split(bits: Tensor, voxels: Tensor) -> tuple[Tensor, Tensor]:
        context = torch.library.get_ctx()
        return (
            voxels.new_empty((context.new_dynamic_size(), 4)),
            bits.new_empty((context.new_dynamic_size(), 3)),
        )

    torch.library.register_fake("svr3d::mise_fill", lambda *_: None)
