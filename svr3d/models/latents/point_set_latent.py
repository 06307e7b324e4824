# SPDX-License-Identifier: Apache-2.0
"""Latent vector of a variational auto-encoder of labelled points."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.layers.pointwise_linear import PointwiseLinear


@MODELS.register_module()
class PointSetLatent(nn.Module):
    """Infers a normal distribution from points, their labels and the code.

    Layers per point, with what all points share put beside each in between. The prior
    is the unit normal distribution. Source: Mescheder et al., "Occupancy Networks"
    (CVPR 2019), section 3.3, and Encoder ('simple') in
    im2mesh/onet/models/encoder_latent.py of autonomousvision/occupancy_networks.

    Attributes:
        latent_features: Length Z of the latent vector.
        code_features: Length C of a code, 0 for none.
    """

    def __init__(
        self,
        latent_features: int = 128,
        *,
        code_features: int = 0,
        hidden_features: int = 128,
        leaky: bool = False,
    ):
        """Set up the part.

        Args:
            latent_features: Length Z of the latent vector.
            code_features: Length C of a code, 0 for none.
            hidden_features: Features of a point.
            leaky: Whether activations are LeakyReLUs of slope 0.2 and points share the
                mean of their features; otherwise they are ReLUs and it is the maximum.
        """
        super().__init__()
        self.latent_features = latent_features
        self.code_features = code_features
        self.leaky = leaky
        hidden = hidden_features
        self.fc_0 = PointwiseLinear(1, hidden)
        self.fc_pos = PointwiseLinear(3, hidden)
        self.fc_c = nn.Linear(code_features, hidden) if code_features else None
        self.fc_1 = PointwiseLinear(hidden, hidden)
        self.fc_2 = PointwiseLinear(2 * hidden, hidden)
        self.fc_3 = PointwiseLinear(2 * hidden, hidden)
        self.fc_mean = nn.Linear(hidden, latent_features)
        self.fc_logstd = nn.Linear(hidden, latent_features)

    def forward(
        self, points: Tensor, occupancies: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Infer the distribution.

        Args:
            points: (B, T, 3) in the object frame.
            occupancies: Labels (B, T) in {0, 1}.
            code: (B, C).

        Returns:
            Mean and logarithm of the standard deviation, (B, Z) each.
        """
        x = self.fc_0(occupancies.unsqueeze(-1).to(points)) + self.fc_pos(points)
        if self.fc_c is not None:
            x = x + self.fc_c(code).unsqueeze(1)
        x = self.fc_1(self._activate(x))
        x = self.fc_2(self._activate(self._beside(x)))
        x = self.fc_3(self._activate(self._beside(x)))
        shared = self._shared(x)
        return self.fc_mean(shared), self.fc_logstd(shared)

    def _activate(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.2 if self.leaky else 0.0)

    def _shared(self, x: Tensor) -> Tensor:
        return x.mean(1) if self.leaky else x.amax(1)

    def _beside(self, x: Tensor) -> Tensor:
        return torch.cat([x, self._shared(x).unsqueeze(1).expand_as(x)], dim=-1)
