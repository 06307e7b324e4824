# SPDX-License-Identifier: Apache-2.0
"""Whether the pose of a drawn image is told again."""

import math

import torch
from torch import Tensor, nn

from svr3d.models.losses.image_difference import NORMS, mean_difference
from svr3d.models.losses.view_outputs import entry
from svr3d.registry import LOSSES


@LOSSES.register_module()
class PoseCycle(nn.Module):
    """Difference of drawn and told angles, in radians.

    Source: ``get_pose_loss`` of klnavaneet/ssl_3d_recon, ``src/get_losses.py``.
    """

    def __init__(self, weight: float = 1.0, *, norm: str = "l1", wrap: bool = False):
        """Set up the loss.

        Args:
            weight: Factor of the mean.
            norm: 'l1' for the mean of all angles, 'squared' or 'l2' for the (squared)
                length of a pose's difference.
            wrap: Whether azimuths are compared around the circle. Published is the
                plain difference, up to a whole turn.

        Raises:
            ValueError: If the norm is unknown.
        """
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"PoseCycle: expected norm of {NORMS}, found {norm!r}")
        self.weight, self.norm, self.wrap = weight, norm, wrap

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare poses.

        Args:
            outputs: ``random_poses`` (B, V, 2), of which images were drawn, and
                ``cycle_poses`` (B, V, 2), told of them.
            batch: Unused.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing.
        """
        target = entry(outputs, "random_poses", self, of="outputs").float()
        found = entry(outputs, "cycle_poses", self, of="outputs").float()
        if self.wrap:
            # Whole turns have no slope.
            turns = torch.round((found - target).detach() / math.tau) * math.tau
            found = found - turns * found.new_tensor([1.0, 0.0])
        return self.weight * mean_difference(found, target, self.norm, dim=-1)
