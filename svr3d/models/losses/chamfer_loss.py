# SPDX-License-Identifier: Apache-2.0
"""Chamfer distance between predicted points and those of the surface."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry
from svr3d.ops.chamfer_distance import chamfer_distance
from svr3d.registry import LOSSES


@LOSSES.register_module()
class ChamferLoss(nn.Module):
    r"""Squared distances to the nearest point of the other set, of both sets.

    .. math:: w \, \left( \frac{1}{|P|} \sum_{p \in P} \min_{q \in Q} \|p - q\|^2
              + \frac{1}{|Q|} \sum_{q \in Q} \min_{p \in P} \|p - q\|^2 \right)

    and the mean over the batch, in squared units of the coordinates. Source: Fan et
    al., "A point set generation network" (CVPR 2017); Groueix et al., "AtlasNet" (CVPR
    2018), equation 7, as its program takes the means.
    """

    def __init__(self, weight: float = 1.0, *, output: str = "points"):
        """Set up the loss.

        Args:
            weight: Factor of the mean over the batch.
            output: Key of the points in the outputs: 'vertices' for heads that emit
                meshes.
        """
        super().__init__()
        self.weight, self.output = weight, output

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare predicted points with the surface.

        Args:
            outputs: Predicted points (B, M, 3).
            batch: ``surface_points`` (B, N, 3).

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one of them is missing.
        """
        found = entry(outputs, self.output, self, of="outputs")
        target = entry(batch, "surface_points", self, of="batch")
        found = found.to(torch.promote_types(found.dtype, torch.float32))
        return self.weight * chamfer_distance(found, target.to(found))
