# SPDX-License-Identifier: Apache-2.0
"""The shape network of self-supervised point clouds: points and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.backbones.same_conv_encoder import SameConvEncoder
from svr3d.models.layers.initialization import initialize
from svr3d.registry import BACKBONES

if TYPE_CHECKING:
    from svr3d.structures import PointCloud


@MODELS.register_module()
class ShapeColorNetwork(nn.Module):
    """Encodes an image for its points, and once more for their colours.

    ::

        image -> backbone       -> 2 layers = x -> layer            -> points
        image -> color_backbone -> 2 layers, with x -> 2 layers, sigmoid -> colours

    Points are not bounded, and start as a speck at the origin; colours start grey.
    Source: ``recon_net_tiny_rgb_skipconn`` of klnavaneet/ssl_3d_recon,
    ``src/net_archs.py``; 4,445,312 parameters.
    """

    def __init__(
        self,
        backbone: dict | nn.Module | None = None,
        color_backbone: dict | nn.Module | None = None,
        *,
        num_points: int = 1024,
        hidden_features: int = 128,
        initialization: str | None = "tflearn",
    ):
        """Set up the network.

        Args:
            backbone: Images (B, 3, H, W) -> codes (B, C), with ``out_features``; None
                is the published one.
            color_backbone: The same for colours.
            num_points: Points N of a cloud.
            hidden_features: Features of all layers between codes, points and colours.
            initialization: A recipe for the weights of the layers; None keeps
                PyTorch's.

        Raises:
            ValueError: If there are no points.
        """
        super().__init__()
        if num_points < 1:
            raise ValueError(f"num_points: expected at least 1, found {num_points}")
        if backbone is None:
            backbone = SameConvEncoder()
        if color_backbone is None:
            color_backbone = SameConvEncoder(widths=(32, 64), kernels=(3, 3))
        self.backbone, self.color_backbone = (
            part if isinstance(part, nn.Module) else BACKBONES.build(part)
            for part in (backbone, color_backbone)
        )
        width = hidden_features
        self.layers, self.color_layers = (
            nn.ModuleList(
                [nn.Linear(part.out_features, width), nn.Linear(width, width)]
            )
            for part in (self.backbone, self.color_backbone)
        )
        self.to_points = nn.Linear(width, 3 * num_points)
        self.joined_layer = nn.Linear(2 * width, width)
        self.to_colors = nn.Linear(width, 3 * num_points)
        for part in (
            self.layers,
            self.color_layers,
            self.to_points,
            self.joined_layer,
            self.to_colors,
        ):
            initialize(part, initialization, "decoder")

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Reconstruct images one by one.

        Args:
            images: (B, 3, H, W) in [0, 1].

        Returns:
            ``points`` (B, N, 3), and ``colors`` (B, N, 3) in (0, 1).
        """
        return self.decode(self.encode(images))

    def decode(self, codes: Tensor) -> dict[str, Tensor]:
        """Make clouds of codes.

        Args:
            codes: (B, C), that of points first, as :meth:`encode` returns them.

        Returns:
            ``points`` (B, N, 3), and ``colors`` (B, N, 3) in (0, 1).
        """
        widths = [self.backbone.out_features, self.color_backbone.out_features]
        x, y = codes.split(widths, dim=1)
        for layer, color_layer in zip(self.layers, self.color_layers, strict=True):
            x, y = F.relu(layer(x)), F.relu(color_layer(y))
        y = F.relu(self.joined_layer(torch.cat([x, y], dim=1)))
        return {
            "points": self.to_points(x).unflatten(1, (-1, 3)),
            "colors": torch.sigmoid(self.to_colors(y)).unflatten(1, (-1, 3)),
        }

    def encode(self, images: Tensor) -> Tensor:
        """Return both codes of images; nearest neighbours are searched by them.

        Args:
            images: (B, 3, H, W) in [0, 1].

        Returns:
            (B, 256), the code of points first.
        """
        return torch.cat([self.backbone(images), self.color_backbone(images)], dim=1)

    def to_structure(self, outputs: dict[str, Tensor]) -> PointCloud:
        """Return the clouds.

        Args:
            outputs: What :meth:`forward` returned.
        """
        from svr3d.structures import PointCloud

        points, colors = (outputs[key].detach().float() for key in ("points", "colors"))
        return PointCloud(points, colors=colors)
