# SPDX-License-Identifier: Apache-2.0
"""Decoder of residual linear layers, without norms."""

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


@MODELS.register_module()
class SimpleDecoder(PointDecoder):
    """Residual blocks of linear layers; latent vector and code join at the entry.

    Source: Decoder ('simple') in im2mesh/onet/models/decoder.py of
    autonomousvision/occupancy_networks; with activations 'after', DecoderFC
    ('decoder-fc') of the re-implementation
    Computer-Vision-IIITH-2021/project-noisypixel.
    """

    def __init__(
        self,
        code_features: int = 128,
        *,
        latent_features: int = 0,
        hidden_features: int = 128,
        num_blocks: int = 5,
        leaky: bool = False,
        activation: str = "before",
    ):
        """Set up the decoder.

        Args:
            code_features: Length C of a code; 0 for none.
            latent_features: Length Z of a latent vector; 0 for none.
            hidden_features: Features H of a point in the blocks.
            num_blocks: Residual blocks.
            leaky: Whether the activation behind the blocks is a LeakyReLU of slope 0.2;
                those in the blocks are ReLUs always.
            activation: Where the activations of a block stand, 'before' its two layers
                or 'after' its only one (see :class:`FCBlock`).
        """
        super().__init__(code_features, latent_features)
        self.slope = 0.2 if leaky else 0.0
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.latent_layer = optional_linear(latent_features, hidden_features)
        self.code_layer = optional_linear(code_features, hidden_features)
        self.blocks = nn.ModuleList(
            FCBlock(hidden_features, hidden_features, activation=activation)
            for _ in range(num_blocks)
        )
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode, in training or not; see :class:`PointDecoder`."""
        x = add_vector(enter(self.point_layer, points), self.latent_layer, latent)
        x = add_vector(x, self.code_layer, code)
        for block in self.blocks:
            x = block(x)
        return self.output_layer(F.leaky_relu(x, self.slope)).squeeze(-1)
