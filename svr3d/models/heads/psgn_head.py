# SPDX-License-Identifier: Apache-2.0
"""A head of fully connected layers that emits all points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from svr3d.models.layers.code_reduction import check_reduction, reduce_code
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import PointCloud

_HIDDEN_LAYERS = 3


@HEADS.register_module()
class PSGNHead(nn.Module):
    """Three layers with batch norms, and one whose outputs are the coordinates.

    Source: Fan et al., "A point set generation network" (CVPR 2017), in the form of
    PSGN in model/baseline_models.py of YefanZhou/dispersion-score.
    """

    def __init__(
        self,
        code_features: int = 1024,
        *,
        hidden_features: int = 512,
        num_points: int = 2500,
        code_reduction: str = "flatten",
    ):
        """Set up the layers.

        Args:
            code_features: Length of the code.
            hidden_features: Features between the layers.
            num_points: Points of a cloud.
            code_reduction: How a code that is a coarse grid becomes a vector, 'mean'
                or 'flatten'; see ``OccupancyHead``.
        """
        super().__init__()
        self.code_features, self.num_points = code_features, num_points
        self.code_reduction = check_reduction(code_reduction, "PSGNHead")
        widths = [hidden_features] * _HIDDEN_LAYERS
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs)
            for inputs, outputs in zip([code_features, *widths], widths, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths)
        self.last_layer = nn.Linear(hidden_features, 3 * num_points)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode codes.

        Args:
            code: (B, C) or (B, C, r, r, r).

        Returns:
            ``points`` (B, num_points, 3).

        Raises:
            ValueError: If the code has another length.
        """
        x = reduce_code(code, self.code_reduction)
        if x.shape[1] != self.code_features:
            raise ValueError(
                f"PSGNHead: expected codes of {self.code_features} numbers, found "
                f"{x.shape[1]}"
            )
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x)).relu()
        # All x, then all y, then all z.
        return {"points": self.last_layer(x).unflatten(1, (3, -1)).transpose(1, 2)}

    def to_structure(self, outputs: dict[str, Tensor]) -> PointCloud:
        """Return clouds of points.

        Args:
            outputs: What :meth:`forward` returned.
        """
        from svr3d.structures import PointCloud

        return PointCloud(outputs["points"].detach().float())
