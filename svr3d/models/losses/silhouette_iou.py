# SPDX-License-Identifier: Apache-2.0
"""Intersection over union of drawn silhouettes and masks."""

from torch import Tensor, nn
from torch.nn.functional import interpolate

from svr3d.models.losses.view_outputs import entry, silhouettes_and_masks
from svr3d.registry import LOSSES


def silhouette_iou(found: Tensor, target: Tensor) -> Tensor:
    """Return the soft IoU of each pair of silhouettes.

    Args:
        found: (..., H, W) in [0, 1].
        target: That shape.

    Returns:
        (...); 1, without a gradient, where both are empty.
    """
    both = found * target
    union = (found + target - both).sum((-2, -1))
    empty = union <= 0
    return both.sum((-2, -1)).where(~empty, 1) / union.where(~empty, 1)


def masks_of_size(
    outputs: dict[str, Tensor],
    batch: dict[str, Tensor],
    keys: tuple[str, str],
    loss: nn.Module,
) -> tuple[Tensor, Tensor]:
    """Return silhouettes and masks, those reduced to the silhouettes' size.

    Args:
        outputs: ``keys[0]`` (B, V, H, W) in [0, 1].
        batch: ``keys[1]`` (B, V, H', W') or (B, V, 1, H', W').
        keys: Names in outputs and batch.
        loss: The loss that asks, whose name goes into the message.

    Returns:
        Both (B, V, H, W) float32; masks of another size by nearest neighbours.

    Raises:
        ValueError: If one is missing, or they differ in batch or views.
    """
    found = entry(outputs, keys[0], loss, of="outputs")
    target = entry(batch, keys[1], loss, of="batch")
    if target.ndim == 5 and target.shape[2] == 1:
        target = target.squeeze(2)
    if target.ndim == 4 and found.ndim == 4 and target.shape[2:] != found.shape[2:]:
        target = interpolate(target.float(), size=found.shape[2:], mode="nearest")
    return silhouettes_and_masks(outputs, {keys[1]: target}, keys, loss)


@LOSSES.register_module()
class SilhouetteIoU(nn.Module):
    r"""One minus the soft IoU of silhouettes s and masks t, mean over all views.

    .. math:: 1 - \frac{\sum s t}{\sum (s + t - s t)}

    A pair of which both are empty has none. Differs from bomb2peng/learn3D, where such
    a pair makes NaN of the whole loss. Source: Kato et al., "Neural 3D Mesh Renderer"
    (2018); ``iou_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(
        self, weight: float = 1.0, *, output: str = "silhouettes", target: str = "masks"
    ):
        """Set up the loss.

        Args:
            weight: Factor.
            output: Key of the silhouettes in the outputs.
            target: Key of the masks in the batch.
        """
        super().__init__()
        self.weight, self.keys = weight, (output, target)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Compare silhouettes.

        Args:
            outputs: Silhouettes (B, V, H, W).
            batch: Masks (B, V, H', W'), which are reduced by nearest neighbours where
                their size is another.

        Returns:
            Scalar, float32.

        Raises:
            ValueError: If one is missing or the shapes do not fit.
        """
        found, target = masks_of_size(outputs, batch, self.keys, self)
        return self.weight * (1 - silhouette_iou(found, target)).mean()
