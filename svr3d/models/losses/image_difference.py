# SPDX-License-Identifier: Apache-2.0
"""Difference of drawn and given images."""

import torch
from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry
from svr3d.registry import LOSSES

NORMS = ("squared", "l2", "l1")


def mean_difference(found: Tensor, target: Tensor, norm: str, *, dim: int) -> Tensor:
    """Return the mean difference of vectors along an axis.

    Args:
        found: Any shape.
        target: That shape.
        norm: 'squared' for the mean of squared lengths, 'l2' for that of lengths
            (whose slope at 0 is not finite), 'l1' for the mean over all elements.
        dim: Axis of the vectors.
    """
    difference = found - target
    if norm == "l1":
        return difference.abs().mean()
    squares = difference.square().sum(dim)
    return squares.mean() if norm == "squared" else torch.sqrt(squares).mean()


def image_gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how much the next row and the next column of images differ.

    Source: ``image_gradients`` of klnavaneet/ssl_3d_recon,
    ``src/utils/helper_funcs.py``.

    Args:
        images: (..., H, W).

    Returns:
        Two of that shape; 0 in the last row and in the last column.
    """
    below = torch.cat([images[..., 1:, :], images[..., -1:, :]], dim=-2)
    beside = torch.cat([images[..., 1:], images[..., -1:]], dim=-1)
    return below - images, beside - images


@LOSSES.register_module()
class ImageDifference(nn.Module):
    """Mean over pixels of the colours' difference.

    Source: ``get_img_loss`` of klnavaneet/ssl_3d_recon, ``src/get_losses.py``, modes
    ``l2_sq``, ``l2`` and ``l1``. Comparing gradients instead of colours is no published
    loss: it asks for edges where the image has them, whatever the light.
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        norm: str = "squared",
        gradients: bool = False,
        keys: tuple[str, str] = ("drawn_images", "images"),
    ):
        """Set up the loss.

        Args:
            weight: Factor of the mean.
            norm: 'squared' or 'l2' for the (squared) length of a pixel's difference,
                'l1' for the mean of all channels.
            gradients: Whether the steps to the next row and the next column are
                compared, six channels for three, instead of the colours.
            keys: Names of the drawn images in the outputs and of the given ones in
                the batch.

        Raises:
            ValueError: If the norm is unknown.
        """
        super().__init__()
        if norm not in NORMS:
            raise ValueError(
                f"ImageDifference: expected norm of {NORMS}, found {norm!r}"
            )
        self.weight, self.norm, self.gradients = weight, norm, gradients
        self.keys = tuple(keys)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare images.

        Args:
            outputs: ``drawn_images`` (B, V, 3, H, W).
            batch: ``images`` (B, V, 3, H, W), not normalised.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing, or they differ in shape.
        """
        found = entry(outputs, self.keys[0], self, of="outputs").float()
        target = entry(batch, self.keys[1], self, of="batch").to(found)
        if found.shape != target.shape:
            raise ValueError(
                f"ImageDifference: expected {self.keys[1]!r} of shape "
                f"{tuple(found.shape)} like {self.keys[0]!r}, found "
                f"{tuple(target.shape)}"
            )
        if self.gradients:
            found, target = (
                torch.cat(image_gradients(images), dim=-3) for images in (found, target)
            )
        return self.weight * mean_difference(found, target, self.norm, dim=-3)
