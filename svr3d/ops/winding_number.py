# SPDX-License-Identifier: Apache-2.0
"""Generalised winding number of a triangle mesh."""

import functools

import torch
from torch import Tensor

from svr3d.ops import _library
from svr3d.ops._arguments import TensorLike, check_faces, check_points
from svr3d.ops._each_mesh import ask_each_mesh, is_batch
from svr3d.ops._torch.winding_number import winding_number_torch


def winding_number(
    vertices: TensorLike,
    faces: TensorLike,
    points: TensorLike,
    *,
    exact: bool = False,
    beta: float = 2.5,
    lengths: TensorLike | None = None,
) -> Tensor:
    r"""Computes how often a mesh winds around each point.

    .. math:: w(q) = \frac{1}{4 \pi} \sum_f \Omega_f(q)

    with the signed solid angle :math:`\Omega_f` of each face: 1 inside a closed mesh
    whose faces are counter-clockwise seen from outside, 0 outside; in between near
    open meshes. Points on a face see half of it.

    The fast form counts crossings where the mesh has no boundary (each edge of vertex
    indices is used as often either way): there the winding number is whole, and exact
    but on the surface itself, where it takes one side. A mesh with few open edges, at
    most half as many as faces, is closed by caps along its boundaries, whose own
    winding number is taken off again. That one, or the whole mesh's if more edges are
    open, sums far groups of faces by a second-order expansion, and its error stays
    below 2e-3 (below 4e-4 on average). That works on packets of neighbouring points, so
    that a point's last digits depend on which others are asked for; the result does not
    depend on the number of threads.

    Source: Jacobson et al., "Robust inside-outside segmentation using generalized
    winding numbers" (2013); Barill et al., "Fast winding numbers for soups and
    clouds" (2018).

    Args:
        vertices: (V, 3) positions, or (B, V, 3) of a batch of meshes.
        faces: (F, 3) vertex indices, or (B, F, 3); faces without area are ignored.
        points: (P, 3) query points in the same frame, or (B, P, 3).
        exact: Sum every face in double precision; costs P x F.
        beta: A group is far from a point beyond ``beta`` times its radius; at least
            1, larger is more accurate and slower.
        lengths: (B,) numbers of valid faces of each mesh of a batch; None for all.

    Returns:
        (P,) winding numbers in the dtype of ``points``, or (B, P).

    Raises:
        TypeError: If an argument's type or dtype is wrong.
        ValueError: If an argument's shape, range or content is wrong.
    """
    if not beta >= 1:
        raise ValueError(f"beta: expected at least 1, found {beta}")
    if is_batch(vertices, lengths):
        ask = functools.partial(winding_number, exact=exact, beta=beta)
        return ask_each_mesh(ask, vertices, faces, points, lengths, None)
    vertices = check_points(vertices, "vertices")
    faces = check_faces(faces, vertices)
    points = check_points(points, "points")
    arguments = (vertices.detach().double(), faces, points.detach().double())
    if _library.has_kernel("winding_number", points):
        result = torch.ops.svr3d.winding_number(*arguments, float(beta), bool(exact))
    else:
        result = winding_number_torch(*arguments)
    return result.to(points.dtype)


def _fake(
    vertices: Tensor, faces: Tensor, points: Tensor, beta: float, exact: bool
) -> Tensor:
    torch._check(points.ndim == 2 and points.shape[1] == 3)
    return points.new_empty(points.shape[0], dtype=torch.float64)


if _library.load():
    torch.library.register_fake("svr3d::winding_number", _fake)
