# SPDX-License-Identifier: Apache-2.0
"""Tells silhouettes as they should be from others, given the view."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.data_width import DataWidth


class Verdict(NamedTuple):
    """What a discriminator says of silhouettes.

    Attributes:
        logits: (N, 1); their sigmoid is the probability that a silhouette is real.
        features: (N, C) what the last convolution found, flattened.
    """

    logits: Tensor
    features: Tensor


@MODELS.register_module()
class DCGANDiscriminator(DataWidth):
    """Strided convolutions of a silhouette and of one constant plane per view class.

    Convolutions of kernel 4, stride 2 and padding 1, all with a bias, batch norms but
    for the first one, LeakyReLUs of slope 0.2, a linear layer. Source:
    ``DCGAN_Discriminator`` of bomb2peng/learn3D, ``models.py``, after Radford et al.,
    "Unsupervised Representation Learning with DCGANs" (ICLR 2016).
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        image_size: int = 64,
        widths: Sequence[int] = (128, 256, 512, 1024),
    ):
        """Set up the discriminator.

        Args:
            num_classes: Number of view classes; None takes that of the training data.
            image_size: Side S of the silhouettes.
            widths: Output channels of the convolutions.

        Raises:
            ValueError: If there are fewer than 2 classes, or the image cannot be halved
                so often.
        """
        super().__init__(num_classes)
        side = image_size >> len(widths)
        if not widths or side << len(widths) != image_size:
            raise ValueError(
                f"image_size: expected a multiple of {1 << len(widths)} for "
                f"{len(widths)} widths, found {image_size}"
            )
        self.image_size, self.widths = image_size, tuple(widths)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in zip(widths[:-1], widths[1:], strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.to_logit = nn.Linear(widths[-1] * side**2, 1)
        if num_classes is not None:
            self.settle(num_classes)

    def make_layer(self, num_classes: int) -> None:
        """Make the first layer."""
        self.first = nn.Conv2d(1 + num_classes, self.widths[0], 4, stride=2, padding=1)

    def classes_of(self, state: Mapping[str, Tensor]) -> int | None:
        """Return the number of classes that a state dict's first layer has."""
        weight = state.get("first.weight")
        return None if weight is None else weight.shape[1] - 1

    def forward(self, silhouettes: Tensor, view_classes: Tensor) -> Verdict:
        """Judge silhouettes.

        Args:
            silhouettes: (N, S, S) in [0, 1].
            view_classes: (N,) int64, as what each is to be judged.

        Raises:
            ConfigError: If the number of classes is not known yet.
            ValueError: If the silhouettes are of another size.
        """
        self.require_settled()
        size = self.image_size
        if silhouettes.shape[1:] != (size, size):
            raise ValueError(
                f"silhouettes: expected (N, {size}, {size}), found "
                f"{tuple(silhouettes.shape)}"
            )
        planes = F.one_hot(view_classes, self.num_classes).to(silhouettes)
        planes = planes[:, :, None, None].expand(-1, -1, size, size)
        x = torch.cat([silhouettes[:, None], planes], dim=1)
        x = F.leaky_relu(self.first(x), 0.2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.leaky_relu(norm(convolution(x)), 0.2)
        features = x.flatten(1)
        return Verdict(self.to_logit(features), features)
