# SPDX-License-Identifier: Apache-2.0
"""Solid voxels by the parity of crossings along columns, in torch."""

import torch
from torch import Tensor

_TESTS_AT_ONCE = 1 << 22


def voxelize_parity_torch(
    vertices: Tensor, faces: Tensor, first_face: Tensor | None, resolution: int
) -> Tensor:
    """Marks the cells whose centre lies above an odd number of faces.

    Args:
        vertices: (V, 3) in the object frame.
        faces: (F, 3) vertex indices.
        first_face: (B + 1,) int64, where each mesh's faces begin; None for one mesh.
        resolution: Cells per axis.

    Returns:
        (B, R, R, R) uint8.
    """
    bounds = [0, len(faces)] if first_face is None else first_face.tolist()
    cells = (vertices.double() + 0.5) * resolution
    grids = torch.zeros(
        (len(bounds) - 1,) + (resolution,) * 3,
        dtype=torch.uint8,
        device=vertices.device,
    )
    for grid, begin, end in zip(grids, bounds[:-1], bounds[1:], strict=True):
        flips = grid.new_zeros(resolution**2 * (resolution + 1), dtype=torch.int64)
        step = max(1, _TESTS_AT_ONCE // resolution**2)
        for part in faces[begin:end].long().split(step):
            flips += torch.bincount(_hits(cells[part], resolution), None, len(flips))
        flips = flips.reshape(resolution, resolution, resolution + 1)[..., :-1]
        grid.copy_(flips.cumsum(-1) % 2)
    return grids


def _below(values: Tensor, resolution: int) -> Tensor:
    """Number of cell centres below coordinates."""
    return (values - 0.5).ceil().clamp(0, resolution)


def _hits(triangles: Tensor, resolution: int) -> Tensor:
    """Flat index of (scanline, column, cells below) for each crossing."""
    a, b, c = triangles[:, :, [1, 0, 2]].unbind(1)  # columns along y, scanlines along x
    a, b = _ordered(a, b)
    b, c = _ordered(b, c)
    a, b = _ordered(a, b)
    line = torch.arange(resolution, device=a.device).to(a)
    first = _columns(a, c, line, resolution)
    second = torch.where(
        line < _below(b[:, 1:2], resolution),
        _columns(a, b, line, resolution),
        _columns(b, c, line, resolution),
    )
    left, right = torch.minimum(first, second), torch.maximum(first, second)
    covered = (line >= _below(a[:, 1:2], resolution)) & (
        line < _below(c[:, 1:2], resolution)
    )
    hit = (line >= left[..., None]) & (line < right[..., None]) & covered[..., None]
    face, j, i = hit.nonzero(as_tuple=True)
    a, b, c = a[face], b[face], c[face]
    (bu, bv, bw), (cu, cv, cw) = (b - a).unbind(1), (c - a).unbind(1)
    area = bu * cv - cu * bv
    along_u = (bw * cv - cw * bv) / area
    along_v = (bu * cw - cu * bw) / area
    w = a[:, 2] + along_u * (line[i] + 0.5 - a[:, 0])
    w = w + along_v * (line[j] + 0.5 - a[:, 1])
    heights = torch.stack((a[:, 2], b[:, 2], c[:, 2]))
    w = torch.where(w > heights.amin(0), w, heights.amin(0))
    w = torch.where(w < heights.amax(0), w, heights.amax(0))
    k = _below(w, resolution).long()
    return (j * resolution + i) * (resolution + 1) + k


def _ordered(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    swap = (b[:, 1] < a[:, 1])[:, None]
    return torch.where(swap, b, a), torch.where(swap, a, b)


def _columns(a: Tensor, b: Tensor, line: Tensor, resolution: int) -> Tensor:
    """(F, R) first column to the right of the edges on each scanline."""
    slope = (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    at = a[:, :1] + (line + 0.5 - a[:, 1:2]) * slope[:, None]
    ends = torch.stack((_below(a[:, 0], resolution), _below(b[:, 0], resolution)))
    columns = _below(at, resolution)
    low, high = ends.amin(0)[:, None], ends.amax(0)[:, None]
    return torch.minimum(torch.maximum(columns, low), high)
