# SPDX-License-Identifier: Apache-2.0
"""What of a silhouette lies outside the mask, or of the mask outside the silhouette."""

from torch import Tensor, nn

from svr3d.models.losses.view_outputs import silhouettes_and_masks
from svr3d.registry import LOSSES

_DIRECTIONS = ("outside", "uncovered")


def silhouette_affinity(
    found: Tensor, target: Tensor, direction: str, penalty: float
) -> Tensor:
    """Return the mean affinity term of silhouettes in [0, 1].

    Args:
        found: Silhouettes p, any shape.
        target: Masks g of that shape.
        direction: See :class:`SilhouetteAffinity`.
        penalty: Cost c of a pixel that does not match.
    """
    own, other = (found, target) if direction == "outside" else (target, found)
    return (own * (other + penalty * (1 - other))).mean()


@LOSSES.register_module()
class SilhouetteAffinity(nn.Module):
    r"""Mean of :math:`p (g + c (1 - g))` or of :math:`g (p + c (1 - p))`.

    The published term is meant as a Chamfer distance between masks; its program tiles
    both along the same axes, so that the nearest pixel is always the pixel itself, and
    this is what is left of it: with c = 1e6 and the weight 1e-4, a hundred times the
    share of pixels in one mask alone. Source: ``get_img_loss`` with ``affinity_loss``
    of klnavaneet/ssl_3d_recon, ``src/get_losses.py``.
    """

    def __init__(
        self,
        direction: str,
        weight: float = 1.0,
        *,
        penalty: float = 1e6,
        keys: tuple[str, str] = ("silhouettes", "masks"),
    ):
        """Set up the loss.

        Args:
            direction: 'outside' for the silhouette outside the mask ("forward" in the
                program), 'uncovered' for the mask outside the silhouette ("backward").
            weight: Factor of the mean.
            penalty: Cost c of a pixel in one of them alone.
            keys: Names of the silhouettes in the outputs and of the masks in the
                batch.

        Raises:
            ValueError: If the direction is unknown.
        """
        super().__init__()
        if direction not in _DIRECTIONS:
            raise ValueError(
                f"SilhouetteAffinity: expected direction of {_DIRECTIONS}, found "
                f"{direction!r}"
            )
        self.direction, self.weight, self.penalty = direction, weight, penalty
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
        value = silhouette_affinity(found, target, self.direction, self.penalty)
        return self.weight * value
