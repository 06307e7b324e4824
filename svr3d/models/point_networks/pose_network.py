# SPDX-License-Identifier: Apache-2.0
"""The network that tells from where an image was taken."""

import math
from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.backbones.same_conv_encoder import SameConvEncoder
from svr3d.models.layers.initialization import initialize
from svr3d.registry import BACKBONES


@MODELS.register_module()
class PoseNetwork(nn.Module):
    """Azimuth and elevation of an image, pi tanh(.) of layers on a code.

    Source: ``pose_net`` of klnavaneet/ssl_3d_recon, ``src/net_archs.py``, whose code
    is that of :class:`SameConvEncoder`; 1,470,402 parameters.
    """

    def __init__(
        self,
        backbone: dict | nn.Module | None = None,
        *,
        hidden_features: Sequence[int] = (128, 128),
        limits: tuple[float, float] = (180.0, 180.0),
        initialization: str | None = "tflearn",
    ):
        """Set up the network.

        Args:
            backbone: Images (B, 3, H, W) -> codes (B, C), with ``out_features``; None
                is the published one.
            hidden_features: Features of the layers between code and angles.
            limits: Largest azimuth and elevation in degrees; published are 180 for
                both, although no view has an elevation beyond 40.
            initialization: A recipe for the weights of the layers; None keeps
                PyTorch's.

        Raises:
            ValueError: If a limit is not positive.
        """
        super().__init__()
        if len(limits) != 2 or min(limits) <= 0:
            raise ValueError(f"limits: expected two positive angles, found {limits}")
        if backbone is None:
            backbone = SameConvEncoder()
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else BACKBONES.build(backbone)
        )
        widths = (self.backbone.out_features, *hidden_features)
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs)
            for inputs, outputs in zip(widths[:-1], hidden_features, strict=True)
        )
        self.last_layer = nn.Linear(widths[-1], 2)
        radians = torch.tensor([math.radians(limit) for limit in limits])
        self.register_buffer("limits", radians, persistent=False)
        for part in (self.layers, self.last_layer):
            initialize(part, initialization, "decoder")

    def forward(self, images: Tensor) -> Tensor:
        """Tell poses one by one.

        Args:
            images: (B, 3, H, W).

        Returns:
            (B, 2) azimuth and elevation in radians.
        """
        x = self.backbone(images)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.limits * torch.tanh(self.last_layer(x))
