# SPDX-License-Identifier: Apache-2.0
"""Decoder that looks features of points up in a grid made of the code."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.decoders.point_decoder import (
    PointDecoder,
    add_vector,
    enter,
    optional_linear,
)
from svr3d.models.layers.fc_block import FCBlock
from svr3d.models.layers.pointwise_linear import PointwiseLinear

# Channels of the grids of 4, 8, 16 and 32 cells.
_CHANNELS = (256, 128, 64, 32)
_COARSEST = 4


@MODELS.register_module()
class GridDecoder(PointDecoder):
    """A 32^3 grid of features made of latent vector and code, and residual blocks.

    Transposed convolutions make the grid, which is interpolated at each point; latent
    vector and code join once more behind it. Source: VoxelDecoder in
    im2mesh/onet/models/legacy.py of autonomousvision/occupancy_networks, which none of
    its configs names.
    """

    def __init__(
        self,
        code_features: int = 128,
        *,
        latent_features: int = 0,
        hidden_features: int = 128,
        num_blocks: int = 2,
        leaky: bool = False,
        align_corners: bool = False,
    ):
        """Set up the decoder.

        Args:
            code_features: Length C of a code.
            latent_features: Length Z of a latent vector; 0 for none.
            hidden_features: Features H of a point in the blocks.
            num_blocks: Residual blocks.
            leaky: Whether the activation behind the blocks is a LeakyReLU of slope 0.2;
                those in the blocks are ReLUs always.
            align_corners: Whether the cube's corners are the centres of the corner
                cells, as when the program was written, or those cells' corners.
        """
        super().__init__(code_features, latent_features)
        self.slope = 0.2 if leaky else 0.0
        self.align_corners = align_corners
        self.entry_layer = nn.Linear(
            latent_features + code_features, _CHANNELS[0] * _COARSEST**3
        )
        self.upsampling = nn.ModuleList(
            nn.ConvTranspose3d(inner, outer, 3, stride=2, padding=1, output_padding=1)
            for inner, outer in zip(_CHANNELS, _CHANNELS[1:], strict=False)
        )
        self.feature_layer = PointwiseLinear(_CHANNELS[-1], hidden_features)
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.latent_layer = optional_linear(latent_features, hidden_features)
        self.code_layer = optional_linear(code_features, hidden_features)
        self.blocks = nn.ModuleList(
            FCBlock(hidden_features, hidden_features) for _ in range(num_blocks)
        )
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode, in training or not; see :class:`PointDecoder`."""
        return self._answer(self.grid(latent, code), points, latent, code)

    def decode_fast(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode, the grid made once; see :class:`PointDecoder`."""
        return self._answer(self.grid(latent, code), points, latent, code)

    def grid(self, latent: Tensor, code: Tensor) -> Tensor:
        """Make the features of cells.

        Args:
            latent: (B, Z).
            code: (B, C).

        Returns:
            (B, 32, 32, 32, 32), axes z, y, x after the features.
        """
        x = self.entry_layer(torch.cat((latent, code), dim=1))
        x = x.unflatten(1, (_CHANNELS[0], _COARSEST, _COARSEST, _COARSEST))
        for layer in self.upsampling:
            x = layer(F.relu(x))
        return x

    def _answer(
        self, grid: Tensor, points: Tensor, latent: Tensor, code: Tensor
    ) -> Tensor:
        features = F.grid_sample(
            grid.float(),
            2 * points[:, :, None, None].float(),
            padding_mode="border",
            align_corners=self.align_corners,
        )
        features = features.flatten(2).transpose(1, 2).to(grid.dtype)
        x = self.feature_layer(F.relu(features)) + enter(self.point_layer, points)
        x = add_vector(x, self.latent_layer, latent)
        x = add_vector(x, self.code_layer, code)
        for block in self.blocks:
            x = block(x)
        return self.output_layer(F.leaky_relu(x, self.slope)).squeeze(-1)
