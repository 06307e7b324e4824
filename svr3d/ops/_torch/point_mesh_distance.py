# SPDX-License-Identifier: Apache-2.0
"""Nearest points on triangles in plain torch, all pairs."""

import torch
from torch import Tensor

_PAIRS = 1 << 18  # at a time
_FLAT_SQUARED_SINE = 1e-16
_NO_LENGTH = 1e-280


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """In the kernels' order of additions."""
    a, b = torch.broadcast_tensors(a, b)
    ax, ay, az = a.unbind(-1)
    bx, by, bz = b.unbind(-1)
    return ax * bx + ay * by + az * bz


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """In the kernels' order of operations; torch's own may fuse them."""
    ax, ay, az = a.unbind(-1)
    bx, by, bz = b.unbind(-1)
    parts = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return torch.stack(parts, -1)


def _inverse(squares: Tensor) -> Tensor:
    return torch.where(squares > _NO_LENGTH, 1 / squares, 0)


def point_mesh_distance_torch(
    points: Tensor, vertices: Tensor, faces: Tensor
) -> tuple[Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.point_mesh_distance``."""
    if len(points) == 0:
        nothing = torch.empty(0, dtype=torch.int64, device=points.device)
        return nothing, points.new_empty(0, 3)
    a, b, c = vertices[faces].unbind(1)
    u, v = b - a, c - a
    w, n = v - u, _cross(u, v)
    uu, vv, nn = _dot(u, u), _dot(v, v), _dot(n, n)
    solid = ((nn > _FLAT_SQUARED_SINE * uu * vv) & (nn > _NO_LENGTH))[:, None]
    nn = nn[:, None]
    across_u = torch.where(solid, _cross(v, n) * (1 / nn), torch.nan)
    across_v = torch.where(solid, _cross(n, u) * (1 / nn), torch.nan)
    normal = torch.where(solid, n * (1 / nn.sqrt()), torch.nan)
    inverses = [_inverse(square) for square in (uu, vv, _dot(w, w))]
    step = max(1, _PAIRS // len(faces))
    found = []
    for block in points.split(step):
        from_a = block[:, None] - a
        from_b = from_a - u
        squares, along = [], []
        for edge, start, inverse in zip(
            (u, v, w), (from_a, from_a, from_b), inverses, strict=True
        ):
            share = (_dot(edge, start) * inverse).clamp(0, 1)
            rest = start - edge * share[..., None]
            squares.append(_dot(rest, rest))
            along.append(share)
        zero = torch.zeros_like(along[0])
        best, of_b, of_c = squares[0], along[0], zero
        for square, at_b, at_c in (
            (squares[1], zero, along[1]),
            (squares[2], 1 - along[2], along[2]),
        ):
            nearer = square < best
            best = torch.where(nearer, square, best)
            of_b = torch.where(nearer, at_b, of_b)
            of_c = torch.where(nearer, at_c, of_c)
        at_b, at_c = _dot(across_u, from_a), _dot(across_v, from_a)
        inside = (at_b > 0) & (at_c > 0) & (at_b + at_c < 1)
        best = torch.where(inside, _dot(normal, from_a).square(), best)
        # argmin does not promise the first of equals.
        equal = best == best.amin(1, keepdim=True)
        face = equal.to(torch.uint8).argmax(1)
        rows = torch.arange(len(block), device=block.device)
        of_b = torch.where(inside, at_b, of_b)[rows, face]
        of_c = torch.where(inside, at_c, of_c)[rows, face]
        found.append((face, torch.stack((1 - of_b - of_c, of_b, of_c), 1)))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))
