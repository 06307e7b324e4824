# SPDX-License-Identifier: Apache-2.0
"""Whether a cloud equals its mirror image."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry
from svr3d.ops.chamfer_distance import chamfer_distance
from svr3d.registry import LOSSES


@LOSSES.register_module()
class MirrorSymmetry(nn.Module):
    """Chamfer distance between one half of a cloud and the other, mirrored.

    In each half all points of the other are at the origin, as published; points of the
    mirror plane are in neither. Source: the "Symmetry loss" of klnavaneet/ssl_3d_recon,
    ``src/main.py``, where y is mirrored. (``multiple_mask_main.py`` has another form,
    which draws y and z to 0.)
    """

    def __init__(self, weight: float = 1.0, *, axis: str = "y"):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
            axis: Normal of the mirror plane through the origin: 'x', 'y' or 'z'.

        Raises:
            ValueError: If the axis is unknown.
        """
        super().__init__()
        if axis not in ("x", "y", "z"):
            raise ValueError(
                f"MirrorSymmetry: expected axis 'x', 'y' or 'z', found {axis!r}"
            )
        self.weight, self.axis = weight, axis

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare the halves.

        Args:
            outputs: ``points`` (B, N, 3).
            batch: Unused.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If there are no points.
        """
        points = entry(outputs, "points", self, of="outputs").float()
        axis = "xyz".index(self.axis)
        sides = points[..., axis, None]
        mirror = torch.ones(3).to(points)
        mirror[axis] = -1.0
        one = points.where(sides > 0, 0)
        other = (points * mirror).where(sides < 0, 0)
        return self.weight * chamfer_distance(one, other)
