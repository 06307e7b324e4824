# SPDX-License-Identifier: Apache-2.0
"""Decoder with conditional batch norms whose latent vector joins the code."""

from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.decoders.block_stack import (
    folded_logits,
    make_blocks,
    through_blocks,
)
from svr3d.models.decoders.point_decoder import (
    PointDecoder,
    enter,
    optional_linear,
)
from svr3d.models.layers.conditional_batch_norm import point_norm
from svr3d.models.layers.pointwise_linear import PointwiseLinear


@MODELS.register_module()
class CBNDecoder2(PointDecoder):
    """A :class:`CBNDecoder` that is given code + linear(latent vector).

    Source: DecoderCBatchNorm2 ('cbatchnorm2') in im2mesh/onet/models/decoder.py of
    autonomousvision/occupancy_networks.
    """

    def __init__(
        self,
        code_features: int = 128,
        *,
        latent_features: int = 0,
        hidden_features: int = 256,
        num_blocks: int = 5,
    ):
        """Set up the decoder.

        Args:
            code_features: Length C of a code.
            latent_features: Length Z of a latent vector; 0 for none.
            hidden_features: Features H of a point in the blocks.
            num_blocks: Residual blocks.
        """
        super().__init__(code_features, latent_features)
        self.latent_layer = optional_linear(latent_features, code_features)
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.blocks = make_blocks(num_blocks, hidden_features, code_features)
        self.norm = point_norm(hidden_features, code_features)
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode; see :class:`PointDecoder`."""
        x, code = enter(self.point_layer, points), self._joined(latent, code)
        return through_blocks(x, code, self, training=training)

    def decode_fast(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode with folded norms; see :class:`PointDecoder`."""
        vectors = points.new_zeros(len(points), self.point_layer.out_features)
        return folded_logits(points, vectors, self._joined(latent, code), self)

    def _joined(self, latent: Tensor, code: Tensor) -> Tensor:
        return code if self.latent_layer is None else code + self.latent_layer(latent)
