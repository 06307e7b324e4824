# SPDX-License-Identifier: Apache-2.0
"""Whether a cloud is found again in images that were drawn of it."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry
from svr3d.ops.chamfer_distance import chamfer_distance
from svr3d.registry import LOSSES

_REFERENCES = ("first", "adjacent")


@LOSSES.register_module()
class ShapeCycle(nn.Module):
    """Chamfer distances of clouds found in drawn views, summed over views.

    Cloud 0 is found in the given image, cloud v + 1 in the picture of cloud 0 in view
    v. Distances are squared, the mean over points in both directions and over the
    batch. Source: the "consistency" term of klnavaneet/ssl_3d_recon, ``src/main.py``.
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        reference: str = "first",
        all_views: bool = False,
    ):
        """Set up the loss.

        Args:
            weight: Factor of the sum.
            reference: 'first' compares with cloud 0 (``init_model``), 'adjacent' each
                cloud with the next (``adj_model``).
            all_views: Whether 'first' takes the last view too. The program begins with
                cloud 0 itself, which costs nothing, and ends before the last.

        Raises:
            ValueError: If the reference is unknown.
        """
        super().__init__()
        if reference not in _REFERENCES:
            raise ValueError(
                f"ShapeCycle: expected reference of {_REFERENCES}, found {reference!r}"
            )
        self.weight, self.reference = weight, reference
        self.all_views = all_views

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare clouds.

        Args:
            outputs: ``points`` (B, N, 3), and ``cycle_points`` (B, V, N, 3) of the V
                drawn views, the one of the predicted pose first.
            batch: Unused.

        Returns:
            Scalar, float32; 0 if no view counts.

        Raises:
            ValueError: If one is missing.
        """
        first = entry(outputs, "points", self, of="outputs").float()
        found = entry(outputs, "cycle_points", self, of="outputs").float()
        if self.reference == "adjacent":
            others = torch.cat([first[:, None], found[:, :-1]], dim=1)
        else:
            found = found if self.all_views else found[:, :-1]
            others = first[:, None].expand(-1, found.shape[1], -1, -1)
        samples, views = found.shape[:2]
        if views == 0:
            return first.sum() * 0
        distances = chamfer_distance(
            others.flatten(0, 1), found.flatten(0, 1), batch="sum"
        )
        return self.weight * distances / samples
