# SPDX-License-Identifier: Apache-2.0
"""Simple image features for retrieval: what the silhouette holds, at one scale."""

import torch
from torch import Tensor
from torch.nn import functional as F

FEATURE_SIZE = 20
_MARGIN = 1.05


def view_features(images: Tensor, masks: Tensor | None = None) -> Tensor:
    """Describe views by their silhouette and shading, whatever their scale and place.

    The square around each silhouette (5 % larger) is resampled to 20x20 pixels, and
    the mask and the grey image inside it, each scaled to unit norm, are the feature.
    Deterministic and without training, so that retrieval by it is a plain baseline.

    Args:
        images: (V, 3, H, W) in [0, 1].
        masks: (V, 1, H, W) in [0, 1]; None takes the whole image.

    Returns:
        (V, 800) float32.
    """
    images = images.float()
    if masks is None:
        masks = torch.ones_like(images[:, :1])
    masks = masks.float()
    grey = images.mean(dim=1, keepdim=True) * masks
    windows = torch.stack([_window(mask[0]) for mask in masks])
    grid = F.affine_grid(
        windows, [len(images), 1, FEATURE_SIZE, FEATURE_SIZE], align_corners=False
    )
    # Blurred first, as one sample per cell would skip most of the window's pixels.
    factor = max(1, min(images.shape[-2:]) // (2 * FEATURE_SIZE))
    planes = F.avg_pool2d(torch.cat([masks, grey], dim=1), factor)
    sampled = F.grid_sample(planes, grid, align_corners=False)
    return F.normalize(sampled.flatten(2), dim=2).flatten(1)


def _window(mask: Tensor) -> Tensor:
    """Return the affine map (2, 3) from the feature's square to the silhouette's."""
    height, width = mask.shape
    rows = torch.nonzero(mask.amax(dim=1) > 0.5).flatten()
    columns = torch.nonzero(mask.amax(dim=0) > 0.5).flatten()
    if len(rows) == 0:
        return torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    top, bottom = float(rows[0]), float(rows[-1]) + 1
    left, right = float(columns[0]), float(columns[-1]) + 1
    half = _MARGIN * max(bottom - top, right - left) / 2
    return torch.tensor(
        [
            [2 * half / width, 0.0, (left + right) / width - 1],
            [0.0, 2 * half / height, (top + bottom) / height - 1],
        ]
    )
