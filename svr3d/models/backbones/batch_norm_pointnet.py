# SPDX-License-Identifier: Apache-2.0
"""The point cloud encoder of AtlasNet: a PointNet with batch norms."""

from torch import Tensor, nn

from svr3d.models.layers.normalized_points import norm_and_activate
from svr3d.models.layers.pointwise_linear import PointwiseLinear
from svr3d.registry import BACKBONES

_WIDTHS = (64, 128)


@BACKBONES.register_module()
class BatchNormPointNetEncoder(nn.Module):
    """Layers per point, the largest of all points, layers of the code; all with norms.

    Source: Groueix et al., "AtlasNet" (CVPR 2018), and PointNet in
    model/model_blocks.py of ThibaultGROUEIX/AtlasNet, after Qi et al., "PointNet"
    (CVPR 2017), without its transformers.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(self, out_features: int = 1024, *, in_features: int = 3):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            in_features: Numbers per point, 3 for coordinates alone.
        """
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        widths = (in_features, *_WIDTHS, out_features)
        self.point_layers = nn.ModuleList(
            PointwiseLinear(inputs, outputs)
            for inputs, outputs in zip(widths, widths[1:], strict=False)
        )
        self.point_norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])
        self.code_layers = nn.ModuleList(
            nn.Linear(out_features, out_features) for _ in range(2)
        )
        self.code_norms = nn.ModuleList(nn.BatchNorm1d(out_features) for _ in range(2))

    def forward(self, points: Tensor) -> Tensor:
        """Encode point clouds.

        Args:
            points: (N, M, in_features).

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the points are no such tensor.
        """
        if (
            points.dim() != 3
            or points.shape[1] < 1
            or points.shape[2] != self.in_features
        ):
            raise ValueError(
                f"points: expected (N, M, {self.in_features}) with at least one point, "
                f"found {tuple(points.shape)}"
            )
        x = points
        # Only the features that are compared have no activation.
        for layer, norm, slope in zip(
            self.point_layers, self.point_norms, (0.0, 0.0, 1.0), strict=True
        ):
            x = norm_and_activate(layer(x), norm, slope)
        code = x.amax(dim=1)
        for layer, norm in zip(self.code_layers, self.code_norms, strict=True):
            code = norm(layer(code)).relu()
        return code
