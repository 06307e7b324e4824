# SPDX-License-Identifier: Apache-2.0
"""Book-keeping of multi-resolution extraction in plain torch."""

import torch
import torch.nn.functional as F
from torch import Tensor

_PARTS = [[i, j, k] for i in range(2) for j in range(2) for k in range(2)]
_CORNERS = [[i, j, k] for i in range(3) for j in range(3) for k in range(3)]


def _planes(bits: Tensor) -> Tensor:
    """The three bit grids as (3, N, N, N) booleans."""
    size, places = bits.shape[1], torch.arange(64, device=bits.device)
    return ((bits[..., None] >> places) & 1).bool().flatten(3)[..., :size]


def _add(bits: Tensor, plane: int, points: Tensor) -> None:
    """Sets the bits of points, none of which may repeat, where they are not set."""
    x, y, z = points.unbind(1)
    row, bit = bits[plane], torch.ones_like(z) << (z % 64)
    new = (row[x, y, z // 64] & bit) == 0
    row.index_put_((x[new], y[new], z[new] // 64), bit[new], accumulate=True)


def mise_store_torch(
    bits: Tensor, dense: Tensor, points: Tensor, values: Tensor, threshold: float
) -> None:
    """Same contract as ``torch.ops.svr3d.mise_store``."""
    dense[tuple(points.T)] = values
    for plane, marked in enumerate((values == values, values >= threshold)):
        _add(bits, plane, points[marked])
    _add(bits, 2, points[values <= threshold])


def mise_split_torch(bits: Tensor, voxels: Tensor) -> tuple[Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.mise_split``."""
    exists, *marks = _planes(bits)
    both = torch.zeros(len(voxels), dtype=torch.bool, device=voxels.device)
    for log_size in voxels[:, 3].unique().tolist():
        edge = 1 << log_size
        pools = [F.max_pool3d(m[None].float(), edge + 1, edge)[0] > 0 for m in marks]
        here = voxels[:, 3] == log_size
        both[here] = (pools[0] & pools[1])[tuple((voxels[here, :3] >> log_size).T)]
    split = voxels[both]
    half = (1 << (split[:, 3] - 1))[:, None, None]
    offsets = torch.tensor(_CORNERS, device=voxels.device)
    points = (split[:, None, :3] + half * offsets).reshape(-1, 3).long()
    points = points[~exists[tuple(points.T)]]
    # The first of equal points stays, in place.
    _, group = points.unique(dim=0, return_inverse=True)
    order = torch.arange(len(points), device=voxels.device)
    first = torch.full_like(order, len(points)).scatter_reduce_(0, group, order, "amin")
    points = points[first[group] == order]
    _add(bits, 0, points)
    parts = split[split[:, 3] > 1]
    half = (1 << (parts[:, 3] - 1))[:, None, None]
    corners = parts[:, None, :3] + half * torch.tensor(_PARTS, device=voxels.device)
    sizes = (parts[:, None, 3:] - 1).expand(-1, 8, 1)
    parts = torch.cat((corners, sizes), 2).reshape(-1, 4).to(voxels.dtype)
    return torch.cat((voxels[~both], parts)), points


def mise_fill_torch(bits: Tensor, dense: Tensor, filled: Tensor) -> None:
    """Same contract as ``torch.ops.svr3d.mise_fill``."""
    known, values = _planes(bits)[0], dense
    for dim in range(3):
        shape = [-1 if dim == d else 1 for d in range(3)]
        place = torch.arange(len(dense), device=dense.device).reshape(shape)
        source = torch.where(known, place, 0).cummax(dim).values
        values = values.gather(dim, source)
        known = known.long().cummax(dim).values.bool()
    filled.copy_(values)
