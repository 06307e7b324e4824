# SPDX-License-Identifier: Apache-2.0
"""Rotation matrices of angles and of axes."""

import torch
from torch import Tensor


def axis_rotation(axis: int, angle: Tensor) -> Tensor:
    """Return rotations (..., 3, 3) about a coordinate axis, for row vectors.

    ``p @ R`` turns the plane of the other two axes i < j: e_i becomes
    ``cos e_i + sin e_j``. Source: ThibaultGROUEIX/AtlasNet
    ``dataset/pointcloud_processor.py``.

    Args:
        axis: 0, 1 or 2.
        angle: Radians (...).
    """
    low, high = (other for other in range(3) if other != axis)
    rotation = torch.eye(3, dtype=angle.dtype).repeat(*angle.shape, 1, 1)
    rotation[..., low, low] = rotation[..., high, high] = angle.cos()
    rotation[..., low, high] = angle.sin()
    rotation[..., high, low] = -angle.sin()
    return rotation


def rotation_about(axis: Tensor, angle: Tensor) -> Tensor:
    """Return rotations (..., 3, 3) by Rodrigues' formula, for column vectors ``R @ p``.

    Args:
        axis: Unit vectors (..., 3).
        angle: Radians (...), counter-clockwise seen from the tip of the axis.
    """
    x, y, z = axis.unbind(-1)
    zero = torch.zeros_like(x)
    rows = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    cross = rows.unflatten(-1, (3, 3))
    angle = angle[..., None, None]
    outer = axis[..., :, None] * axis[..., None, :]
    identity = torch.eye(3, dtype=axis.dtype, device=axis.device)
    return angle.cos() * identity + angle.sin() * cross + (1 - angle.cos()) * outer


def nearest_rotation(matrix: Tensor) -> Tensor:
    """Return the rotations (..., 3, 3) nearest to matrices, never reflections.

    Of pairs of points ``q = R p`` the sum of ``q p^T`` gives the R of least squares
    (Kabsch, 1976).

    Args:
        matrix: (..., 3, 3).
    """
    left, _, right = torch.linalg.svd(matrix)
    flip = torch.ones_like(matrix[..., 0])
    flip[..., 2] = torch.linalg.det(left @ right).sign()
    return (left * flip[..., None, :]) @ right


def rotation_angle(rotation: Tensor) -> Tensor:
    """Return by how many radians (...) rotations (..., 3, 3) turn, 0 to pi."""
    cosine = (rotation.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    return cosine.clamp(-1, 1).acos()
