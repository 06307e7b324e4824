# SPDX-License-Identifier: Apache-2.0
"""Fusion of views by learned scores of every cell."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.fusion.view_pooling import ViewPooling
from svr3d.models.layers import initialize
from svr3d.models.layers.map_views import check_way, map_views
from svr3d.models.layers.staged_part import StagedPart


@MODELS.register_module()
class ContextAwareFusion(StagedPart, ViewPooling):
    r"""Weighted mean of the views, with weights of each cell from a small network.

    .. math:: y = \sum_v \mathrm{softmax}_v(s(c_v)) \, x_v

    where s, convolutions with batch norm and LeakyReLU that end in one channel, scores
    a view's context c (with the features x themselves) in every cell. One view has the
    weight 1. While the part is not in use it is the plain mean. Source: Xie et al.,
    "Pix2Vox" (ICCV 2019), section 3.2.3, and models/merger.py of hzxie/Pix2Vox.
    """

    def __init__(
        self,
        in_channels: int = 9,
        widths: Sequence[int] = (16, 8, 4, 2),
        *,
        kernel_size: int = 3,
        slope: float = 0.2,
        score_views: str = "together",
        initialization: str = "pix2vox",
    ):
        """Set up the fusion.

        Args:
            in_channels: Channels that are scored: those of the features, which are 1
                for volumes, and of their context.
            widths: Channels between the convolutions.
            kernel_size: Odd size of their kernels.
            slope: Negative slope of all LeakyReLUs.
            score_views: 'together' or 'one_by_one', what the batch norms see at a time
                in training.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If ``score_views`` is neither, or the recipe is unknown.
        """
        super().__init__()
        check_way(score_views, "score_views")
        self.in_channels, self.score_views = in_channels, score_views
        channels = (in_channels, *widths, 1)
        self.score = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv3d(inputs, outputs, kernel_size, padding=kernel_size // 2),
                    nn.BatchNorm3d(outputs),
                    nn.LeakyReLU(slope, inplace=True),
                )
                for inputs, outputs in zip(channels[:-1], channels[1:], strict=True)
            )
        )
        initialize(self, initialization, "fusion")

    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Fuse the views.

        Args:
            features: (B, V, C) or (B, V, C, r, r, r), any V >= 1.
            context: (B, V, K, r, r, r), or None to score by the features alone.

        Returns:
            (B, C) or (B, C, r, r, r).

        Raises:
            ValueError: If features and context have not ``in_channels`` channels.
        """
        if not self.in_use:
            return features.mean(dim=1)
        return (self.weights(features, context) * features).sum(dim=1)

    def weights(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the weights of the views, which sum to 1.

        Args:
            features: As for the forward pass.
            context: As for the forward pass.

        Returns:
            (B, V, 1) or (B, V, 1, r, r, r).
        """
        scored = features
        if context is not None:
            scored = torch.cat([context, features.to(context.dtype)], dim=2)
        if scored.shape[2] != self.in_channels:
            raise ValueError(
                f"ContextAwareFusion: expected {self.in_channels} channels "
                f"(in_channels), found {features.shape[2]} of the features and "
                f"{scored.shape[2] - features.shape[2]} of their context"
            )
        # A vector is a grid of one cell.
        is_vector = scored.dim() == 3
        flat = scored.flatten(0, 1)
        if is_vector:
            flat = flat[..., None, None, None]
        one_by_one = self.training and self.score_views == "one_by_one"
        scores = map_views(
            self.score, flat, features.shape[1], one_by_one=one_by_one
        ).float()
        weights = torch.softmax(scores, dim=1).to(features.dtype)
        return weights.flatten(2) if is_vector else weights
