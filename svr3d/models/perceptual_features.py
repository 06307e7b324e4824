# SPDX-License-Identifier: Apache-2.0
"""What VGG-16 sees in images: the features of the dispersion score."""

from __future__ import annotations

from typing import Literal

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.errors import CheckpointError
from svr3d.models.backbones.pretrained import read_pretrained
from svr3d.models.backbones.vgg_features import VGGFeatures
from svr3d.models.layers.imagenet import ImageNetNormalization

WEIGHTS = "https://download.pytorch.org/models/vgg16-397923af.pth"
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
_STAGES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3)


@MODELS.register_module()
class PerceptualFeatures(nn.Module):
    """Activations of VGG-16, trained on ImageNet, at the end of one of its stages.

    Source: ``PerceptualEncoder`` in ``eval/metric.py`` of YefanZhou/dispersion-score.
    The published scores take the largest activation over the channels of ``relu3_3``
    at each place: 3,136 numbers for an image of 224 pixels. torchvision publishes the
    weights at https://download.pytorch.org/models/vgg16-397923af.pth
    """

    def __init__(
        self,
        weights: str | None,
        *,
        layer: Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3"] = "relu3_3",
        pooling: Literal["max", "none"] = "max",
    ):
        """Build the layers and load the weights.

        Args:
            weights: File or URL of the state dict of torchvision's ``vgg16``.
            layer: Last layer, relu<stage>_<convolution>.
            pooling: 'max' over the channels, or 'none' for all activations (802,816
                at ``relu3_3`` for an image of 224 pixels).

        Raises:
            CheckpointError: If there are no weights, or other ones.
            ValueError: If the layer or the pooling is unknown.
        """
        super().__init__()
        if layer not in LAYERS:
            raise ValueError(
                f"layer: expected one of {', '.join(LAYERS)}, found {layer!r}"
            )
        if pooling not in ("max", "none"):
            raise ValueError(f"pooling: expected 'max' or 'none', found {pooling!r}")
        if weights is None:
            raise CheckpointError(
                "weights of VGG-16: expected the file of torchvision, found none; "
                f"download {WEIGHTS} and give its path"
            )
        self.pooling = pooling
        self.normalization = ImageNetNormalization()
        stages = _STAGES[: LAYERS.index(layer) + 1]
        self.trunk = VGGFeatures(stages, batch_norm=False)
        try:
            state = read_pretrained(weights, what="torchvision's vgg16")
        except CheckpointError as error:
            raise CheckpointError(f"{error}; they are published at {WEIGHTS}") from None
        self.trunk.load_published(state, source=weights)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """Describe images.

        Args:
            images: RGB (N, 3, H, W) in [0, 1].
            masks: Not looked at; extractors that need silhouettes take them.

        Returns:
            (N, F) float32.
        """
        maps = self.trunk(self.normalization(images.float()))
        if self.pooling == "max":
            maps = maps.amax(dim=1)
        return maps.flatten(1)
