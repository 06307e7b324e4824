# SPDX-License-Identifier: Apache-2.0
"""Decoder of occupancy networks with conditional batch norms."""

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.decoders.point_decoder import PointDecoder
from svr3d.models.layers.conditional_batch_norm import ConditionalBatchNorm
from svr3d.models.layers.pointwise_linear import PointwiseLinear


class ConditionalBlock(nn.Module):
    """x + second(relu(norm(first(relu(norm(x, c))), c))); starts as the identity."""

    def __init__(self, code_features: int, channels: int):
        """Set up the block.

        Args:
            code_features: Length C of a code.
            channels: Features of a point, in and out.
        """
        super().__init__()
        self.first_norm = ConditionalBatchNorm(code_features, channels)
        self.first = PointwiseLinear(channels, channels)
        self.second_norm = ConditionalBatchNorm(code_features, channels)
        self.second = PointwiseLinear(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        """Map features (B, T, channels) under codes (B, C)."""
        x = self.first(F.relu(self.first_norm(points, code), inplace=True))
        x = self.second(F.relu(self.second_norm(x, code), inplace=True))
        return points + x


@MODELS.register_module()
class CBNDecoder(PointDecoder):
    """Residual blocks whose batch norms are conditioned on the code.

    Points pass one linear layer, to which the latent vector adds another's result, the
    blocks, a last conditional norm and one linear layer. Source: Mescheder et al.,
    "Occupancy Networks" (CVPR 2019); DecoderCBatchNorm ('cbatchnorm') in
    im2mesh/onet/models/decoder.py of autonomousvision/occupancy_networks, whose
    'legacy' form is the same function.
    """

    def __init__(
        self,
        code_features: int = 128,
        *,
        latent_features: int = 0,
        hidden_features: int = 256,
        num_blocks: int = 5,
        leaky: bool = False,
    ):
        """Set up the decoder.

        Args:
            code_features: Length C of a code.
            latent_features: Length Z of a latent vector; 0 for none.
            hidden_features: Features H of a point in the blocks.
            num_blocks: Residual blocks.
            leaky: Whether the activation behind the blocks is a LeakyReLU of slope 0.2;
                those in the blocks are ReLUs always.
        """
        super().__init__(code_features, latent_features)
        self.slope = 0.2 if leaky else 0.0
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.latent_layer = (
            nn.Linear(latent_features, hidden_features) if latent_features else None
        )
        self.blocks = nn.ModuleList(
            ConditionalBlock(code_features, hidden_features) for _ in range(num_blocks)
        )
        self.norm = ConditionalBatchNorm(code_features, hidden_features)
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def forward(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points; see :class:`PointDecoder`."""
        if not self.training:
            return self.evaluate(points, latent, code)
        self.check(latent, code)
        x = self._enter(points, latent)
        for block in self.blocks:
            x = block(x, code)
        x = F.leaky_relu(self.norm(x, code), self.slope, inplace=True)
        return self.output_layer(x).squeeze(-1)

    def evaluate(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode points by the running statistics; see :class:`PointDecoder`."""
        self.check(latent, code)
        x = self._enter(points, latent)
        for block in self.blocks:
            y = _affine(x, block.first_norm.affine(code))
            y = _affine(block.first(F.relu(y)), block.second_norm.affine(code))
            x = x + block.second(F.relu(y))
        x = F.leaky_relu(_affine(x, self.norm.affine(code)), self.slope)
        return self.output_layer(x).squeeze(-1)

    def _enter(self, points: Tensor, latent: Tensor) -> Tensor:
        x = self.point_layer(points)
        if self.latent_layer is not None:
            x = x + self.latent_layer(latent).unsqueeze(1)
        return x


def _affine(points: Tensor, scale_shift: tuple[Tensor, Tensor]) -> Tensor:
    scale, shift = scale_shift
    return shift.unsqueeze(1).addcmul(points, scale.unsqueeze(1))
