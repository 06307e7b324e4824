# SPDX-License-Identifier: Apache-2.0
"""A 3-D encoder and decoder with skips that corrects a coarse volume."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.layers import initialize
from svr3d.models.layers.staged_part import StagedPart


@MODELS.register_module()
class VoxelRefiner(StagedPart):
    """Mean of a volume and what a U-shaped network makes of it.

    Down: [4x4x4 convolution with padding 2, batch norm, LeakyReLU, 2x2x2 max-pool],
    which halves the grid. Then two linear layers with ReLU, added to their input. Up:
    [transposed 4x4x4 convolution of stride 2, batch norm, ReLU], each added to the grid
    of its size from the way down; the last has neither norm nor sum but a sigmoid.
    The defaults are those of Pix2Vox-A. Source: Xie et al., "Pix2Vox" (ICCV 2019),
    section 3.2.4, and models/refiner.py of hzxie/Pix2Vox.

    While the part is not in use, reconstructors leave it out.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        *,
        resolution: int = 32,
        hidden_features: int = 2048,
        slope: float = 0.2,
        initialization: str = "pix2vox",
    ):
        """Set up the refiner.

        Args:
            widths: Channels after each step down.
            resolution: Voxels R per side of the volume.
            hidden_features: Features between the two linear layers.
            slope: Negative slope of the LeakyReLUs.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If the resolution cannot be halved once per width.
        """
        super().__init__()
        if resolution < 2 ** len(widths) or resolution % 2 ** len(widths):
            raise ValueError(
                f"VoxelRefiner: expected a resolution that can be halved "
                f"{len(widths)} times (once per width), found {resolution}"
            )
        self.resolution = resolution
        channels = (1, *widths)
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(inputs, outputs, 4, padding=2),
                nn.BatchNorm3d(outputs),
                nn.LeakyReLU(slope, inplace=True),
                # The convolution enlarges the grid by one cell, the pool drops it.
                nn.MaxPool3d(2),
            )
            for inputs, outputs in pairs
        )
        features = widths[-1] * (resolution // 2 ** len(widths)) ** 3
        self.dense = nn.Sequential(
            nn.Linear(features, hidden_features),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_features, features),
            nn.ReLU(inplace=True),
        )
        up: list[nn.Module] = []
        for outputs, inputs in reversed(pairs):
            layer = nn.ConvTranspose3d(
                inputs, outputs, 4, stride=2, padding=1, bias=False
            )
            if outputs > 1:
                layer = nn.Sequential(
                    layer, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)
                )
            up.append(layer)
        self.up = nn.ModuleList(up)
        initialize(self, initialization, "refiner")

    def forward(self, probabilities: Tensor) -> Tensor:
        """Refine volumes.

        Args:
            probabilities: (B, R, R, R) in [0, 1].

        Returns:
            Same shape, float32, in [0, 1].

        Raises:
            ValueError: If the volumes have another resolution than configured.
        """
        if probabilities.shape[1:] != (self.resolution,) * 3:
            raise ValueError(
                f"VoxelRefiner: expected volumes of {self.resolution}^3 voxels "
                f"(resolution), found {tuple(probabilities.shape[1:])}"
            )
        x = probabilities.unsqueeze(1)
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        x = x + self.dense(x.flatten(1)).view(x.shape)
        skips.pop()
        for layer in self.up:
            x = layer(x)
            if skips:
                x = x + skips.pop()
        return (probabilities.float() + torch.sigmoid(x.squeeze(1).float())) / 2
