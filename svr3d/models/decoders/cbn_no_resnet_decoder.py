# SPDX-License-Identifier: Apache-2.0
"""Decoder with conditional batch norms and without residual blocks."""

from mmengine.registry import MODELS
from torch import Tensor

from svr3d.models.decoders.point_decoder import (
    PointDecoder,
    add_vector,
    enter,
    optional_linear,
)
from svr3d.models.layers.conditional_batch_norm import norm_and_activate, point_norm
from svr3d.models.layers.pointwise_linear import PointwiseLinear


@MODELS.register_module()
class CBNNoResNetDecoder(PointDecoder):
    """Conditional batch norms, activations and linear layers in turn.

    Source: the ablation of residual blocks in Mescheder et al., "Occupancy Networks"
    (CVPR 2019); DecoderCBatchNormNoResnet ('cbatchnorm_noresnet') in
    im2mesh/onet/models/decoder.py of autonomousvision/occupancy_networks.
    """

    def __init__(
        self,
        code_features: int = 128,
        *,
        latent_features: int = 0,
        hidden_features: int = 256,
        num_layers: int = 5,
        leaky: bool = False,
    ):
        """Set up the decoder.

        Args:
            code_features: Length C of a code.
            latent_features: Length Z of a latent vector; 0 for none.
            hidden_features: Features H of a point.
            num_layers: Linear layers between the first and the last.
            leaky: Whether all activations are LeakyReLUs of slope 0.2, not ReLUs.
        """
        super().__init__(code_features, latent_features)
        self.slope = 0.2 if leaky else 0.0
        self.num_layers = num_layers
        self.point_layer = PointwiseLinear(3, hidden_features)
        self.latent_layer = optional_linear(latent_features, hidden_features)
        for index in range(num_layers + 1):
            setattr(self, f"bn_{index}", point_norm(hidden_features, code_features))
        for index in range(num_layers):
            layer = PointwiseLinear(hidden_features, hidden_features)
            setattr(self, f"fc_{index}", layer)
        self.output_layer = PointwiseLinear(hidden_features, 1)

    def decode(
        self, points: Tensor, latent: Tensor, code: Tensor, *, training: bool
    ) -> Tensor:
        """Decode; see :class:`PointDecoder`."""
        x = add_vector(enter(self.point_layer, points), self.latent_layer, latent)
        layers = [getattr(self, f"fc_{index}") for index in range(self.num_layers)]
        for index, layer in enumerate([*layers, self.output_layer]):
            norm = getattr(self, f"bn_{index}")
            x = norm_and_activate(norm, x, code, slope=self.slope, training=training)
            x = layer(x)
        return x.squeeze(-1)
