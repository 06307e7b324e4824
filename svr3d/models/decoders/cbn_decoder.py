# SPDX-License-Identifier: Apache-2.0
"""Decoder of occupancy networks with conditional batch norms."""

from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.decoders.block_stack import (
    folded_logits,
    make_blocks,
    through_blocks,
)
from svr3d.models.decoders.point_decoder import (
    PointDecoder,
    add_vector,
    enter,
    optional_linear,
)
from svr3d.models.layers.conditional_batch_norm import point_norm
from svr3d.models.layers.pointwise_linear import PointwiseLinear


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
        self.latent_layer = optional_linear(latent_features, hidden_features)
        self.blocks = make_blocks(num_blocks, hidden_features, code_features)
        self.norm = point_norm(hidden_features, code_features)
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode; see :class:`PointDecoder`."""
        x = add_vector(enter(self.point_layer, points), self.latent_layer, latent)
        return through_blocks(x, code, self, slope=self.slope, training=training)

    def decode_fast(self, points: Tensor, latent: Tensor, code: Tensor) -> Tensor:
        """Decode with folded norms; see :class:`PointDecoder`."""
        vectors = points.new_zeros(len(points), self.point_layer.out_features)
        if self.latent_layer is not None:
            vectors = self.latent_layer(latent)
        return folded_logits(points, vectors, code, self, slope=self.slope)
