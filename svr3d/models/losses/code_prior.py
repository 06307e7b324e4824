# SPDX-License-Identifier: Apache-2.0
"""How far codes are from the origin."""

from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry
from svr3d.registry import LOSSES


@LOSSES.register_module()
class CodePrior(nn.Module):
    r"""A Gaussian prior on codes: :math:`\lVert z \rVert^2`, mean over the batch.

    Source: Peng et al., "Learning pose-invariant 3D object reconstruction from
    single-view images" (2020), 3D-GAN.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor.
        """
        super().__init__()
        self.weight = weight

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure codes.

        Args:
            outputs: ``codes`` (B, ...).
            batch: Unused.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If there are no codes.
        """
        codes = entry(outputs, "codes", self, of="outputs").float()
        return self.weight * codes.square().sum() / len(codes)
