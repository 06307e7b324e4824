# SPDX-License-Identifier: Apache-2.0
"""Distance of drawn silhouettes and masks on several scales."""

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.losses.silhouette_iou import masks_of_size
from svr3d.registry import LOSSES


@LOSSES.register_module()
class MultiScaleSilhouette(nn.Module):
    """Squared distance of normalised silhouettes and masks, summed over scales.

    On each scale both maps become vectors of length 1; the next scale is the mean of
    2x2 pixels. Coarse scales reach masks that the silhouette does not touch yet.
    Source: Kato and Harada, "Learning view priors for single-view 3D reconstruction"
    (CVPR 2019).
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        levels: int = 5,
        output: str = "silhouettes",
        target: str = "masks",
    ):
        """Set up the loss.

        Args:
            weight: Factor of the mean over all views.
            levels: Number of scales.
            output: Key of the silhouettes in the outputs.
            target: Key of the masks in the batch.

        Raises:
            ValueError: If there is no level.
        """
        super().__init__()
        if levels < 1:
            raise ValueError(
                f"MultiScaleSilhouette: expected levels from 1, found {levels}"
            )
        self.weight, self.levels, self.keys = weight, levels, (output, target)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare silhouettes.

        Args:
            outputs: Silhouettes (B, V, H, W).
            batch: Masks (B, V, H', W'), which are reduced by nearest neighbours where
                their size is another.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing, the shapes do not fit, or nothing is left
                of the images on the last scale.
        """
        found, target = masks_of_size(outputs, batch, self.keys, self)
        if min(found.shape[2:]) >> (self.levels - 1) < 1:
            raise ValueError(
                f"MultiScaleSilhouette: expected images of at least "
                f"{1 << (self.levels - 1)} pixels for {self.levels} levels, found "
                f"{tuple(found.shape[2:])}"
            )
        total = found.new_zeros(())
        for level in range(self.levels):
            if level:
                found, target = F.avg_pool2d(found, 2), F.avg_pool2d(target, 2)
            unit = [F.normalize(m.flatten(2), dim=2, eps=1e-6) for m in (found, target)]
            total = total + (unit[0] - unit[1]).square().sum(2).mean()
        return self.weight * total
