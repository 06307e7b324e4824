# SPDX-License-Identifier: Apache-2.0
"""Normalisation of images for a network."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.registry import MODELS


@MODELS.register_module()
class ImagePreprocessor(BaseDataPreprocessor):
    """Moves a batch to the model's device and normalises its images.

    images RGB in [0, 1] -> channel order of the network -> (x - mean) / std.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        *,
        channel_order: str = "rgb",
        non_blocking: bool = False,
    ):
        """Set up the normalisation.

        Args:
            mean: Per channel, in the network's channel order.
            std: Per channel, in the network's channel order.
            channel_order: 'rgb' or 'bgr', what the network expects.
            non_blocking: Whether copies to the device may overlap with computation.

        Raises:
            ValueError: If the channel order is unknown.
        """
        super().__init__(non_blocking=non_blocking)
        if channel_order not in ("rgb", "bgr"):
            raise ValueError(
                f"channel_order: expected 'rgb' or 'bgr', found {channel_order!r}"
            )
        self.channel_order = channel_order
        shape = (-1, 1, 1)
        self.register_buffer("mean", torch.tensor(mean).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(shape), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise a collated batch.

        Args:
            data: Batch of the data contract; ``images`` (B, V, 3, H, W).
            training: Unused; augmentation belongs to the data set.

        Returns:
            The batch on the model's device, ``images`` normalised.
        """
        batch = self.cast_data(data)
        images = batch["images"]
        if self.channel_order == "bgr":
            images = images.flip(-3)
        images = (images - self.mean) / self.std
        return {**batch, "images": images}
