# SPDX-License-Identifier: Apache-2.0
"""The two halves of symmetric templates."""

import torch
from torch import Tensor


def mirror_halves(template: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Part a symmetric template into its plane of symmetry and two halves.

    Args:
        template: (V, 3).
        axis: Normal of the plane.

    Returns:
        Indices of the vertices on the plane, and of those on its positive side, both
        ascending; and the mirror images of the latter, in their order.

    Raises:
        ValueError: If the template is not symmetric.
    """
    points = template.double()
    mirror = torch.ones(3, dtype=points.dtype)
    mirror[axis] = -1
    distance, image = torch.cdist(points * mirror, points).min(dim=1)
    if distance.max() > 1e-5 or not torch.equal(
        image[image], torch.arange(len(points))
    ):
        raise ValueError(f"template: expected symmetry along axis {axis}, found none")
    side = points[:, axis].where(points[:, axis].abs() > 1e-5, 0)
    plane, positive = (side == 0).nonzero()[:, 0], (side > 0).nonzero()[:, 0]
    return plane, positive, image[positive]
