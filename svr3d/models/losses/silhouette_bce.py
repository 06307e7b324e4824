# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy between drawn silhouettes and masks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.losses.view_outputs import silhouettes_and_masks
from svr3d.registry import LOSSES

_TINY = 1e-8
_FORMS = ("logits", "probabilities", "bounded")


def silhouette_bce(found: Tensor, target: Tensor, form: str) -> Tensor:
    """Return the mean cross entropy of silhouettes in [0, 1].

    Args:
        found: Any shape.
        target: That shape, in [0, 1].
        form: See :class:`SilhouetteBCE`.
    """
    if form == "logits":
        return F.binary_cross_entropy_with_logits(found, target)
    if form == "probabilities":
        # In this order: (1 - 1e-8) - p is 0 in float32 where p is 1.
        absent = torch.log(((1 - found) - _TINY).abs())
        return (-target * torch.log(found + _TINY) - (1 - target) * absent).mean()
    p = 1e-3 + (1 - 2e-3) * found
    return (-target * torch.log(p) - (1 - target) * torch.log1p(-p)).mean()


@LOSSES.register_module()
class SilhouetteBCE(nn.Module):
    r"""Cross entropy :math:`-g \log p - (1 - g) \log(1 - p)`, the mean over pixels.

    Source: ``get_img_loss`` of klnavaneet/ssl_3d_recon, ``src/get_losses.py``, modes
    ``bce`` and ``bce_prob``.
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        form: str = "logits",
        keys: tuple[str, str] = ("silhouettes", "masks"),
    ):
        """Set up the loss.

        Args:
            weight: Factor of the mean.
            form: 'logits' takes the silhouette in [0, 1] for a logit, as published,
                so that a perfect one still costs 0.31 to 0.69 and foreground weighs
                less; 'probabilities' is the published other mode, with 1e-8 inside
                the logarithms, which is ill-conditioned near 1; 'bounded' keeps
                p within [0.001, 0.999] by 0.001 + 0.998 p, so that neither the value
                nor its slope is lost or explodes.
            keys: Names of the silhouettes in the outputs and of the masks in the
                batch; ('neighbor_silhouettes', 'neighbor_masks') for neighbours.

        Raises:
            ValueError: If the form is unknown.
        """
        super().__init__()
        if form not in _FORMS:
            raise ValueError(
                f"SilhouetteBCE: expected form of {_FORMS}, found {form!r}"
            )
        self.weight, self.form = weight, form
        self.keys = tuple(keys)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare silhouettes with masks.

        Args:
            outputs: ``silhouettes`` (B, V, H, W) in [0, 1].
            batch: ``masks`` (B, V, H, W) or (B, V, 1, H, W) in [0, 1].

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing, or they differ in shape.
        """
        found, target = silhouettes_and_masks(outputs, batch, self.keys, self)
        return self.weight * silhouette_bce(found, target, self.form)
