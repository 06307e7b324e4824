# SPDX-License-Identifier: Apache-2.0
"""Chamfer distance in the image between projected points and a mask."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.losses.view_outputs import entry, masks_of_views
from svr3d.ops.chamfer_distance import chamfer_distance
from svr3d.registry import LOSSES


@LOSSES.register_module()
class SilhouetteChamfer(nn.Module):
    """How far points fall from a mask, and pixels of the mask from the points.

    What the papers describe and their programs do not compute (see
    :class:`~svr3d.models.losses.silhouette_affinity.SilhouetteAffinity`). Its slope
    reaches points anywhere outside the mask, and pulls the nearest point to each part
    of the mask that is empty, however far that is; the slopes of drawn silhouettes end
    a few pixels from a point. Squared distances in units of the image's side, the mean
    over points and over pixels of the mask, both added, the mean over views. Views
    with an empty mask count 0.

    Source: Navaneet et al., "CAPNet: Continuous approximation projection for 3D point
    cloud reconstruction using 2D supervision" (AAAI 2019), affinity loss, with the
    projected points themselves in place of their smooth picture.
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        threshold: float = 0.5,
        keys: tuple[str, str] = ("pixels", "masks"),
    ):
        """Set up the loss.

        Args:
            weight: Factor of the mean.
            threshold: From where on a pixel belongs to the mask.
            keys: Names of the projected points in the outputs and of the masks in the
                batch.
        """
        super().__init__()
        self.weight, self.threshold = weight, threshold
        self.keys = tuple(keys)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare projected points with masks.

        Args:
            outputs: ``pixels`` (B, V, N, 2) rows and columns, pixel centres at whole
                numbers.
            batch: ``masks`` (B, V, H, W) or (B, V, 1, H, W) in [0, 1].

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing, or their views differ.
        """
        pixels = entry(outputs, self.keys[0], self, of="outputs").float()
        masks = masks_of_views(batch, self.keys[1], self).to(pixels)
        if masks.ndim != 4 or pixels.shape[:2] != masks.shape[:2]:
            raise ValueError(
                f"SilhouetteChamfer: expected {self.keys[1]!r} of shape "
                f"({pixels.shape[0]}, {pixels.shape[1]}, H, W) as {self.keys[0]!r} has "
                f"views, found {tuple(masks.shape)}"
            )
        side = masks.shape[-1]
        inside = masks.flatten(0, 1) > self.threshold
        counts = inside.flatten(1).sum(1)
        seen = counts > 0
        if not seen.any():
            return pixels.sum() * 0
        targets = _positions(inside[seen], counts[seen]) / side
        points = F.pad(pixels.flatten(0, 1)[seen] / side, (0, 1))
        total = chamfer_distance(
            points, targets.to(points), y_lengths=counts[seen], batch="sum"
        )
        return self.weight * total / len(inside)


def _positions(inside: Tensor, counts: Tensor) -> Tensor:
    """Return row, column and 0 of the pixels of each mask, (M, P, 3), padded."""
    mask, row, column = inside.nonzero(as_tuple=True)
    first = counts.cumsum(0) - counts
    place = torch.arange(len(mask), device=mask.device) - first[mask]
    positions = inside.new_zeros((len(inside), int(counts.max()), 3), dtype=torch.long)
    positions[mask, place, 0] = row
    positions[mask, place, 1] = column
    return positions
