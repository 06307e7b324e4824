# SPDX-License-Identifier: Apache-2.0
"""Separation of an object from a background of one colour."""

from __future__ import annotations

import numpy as np

_BORDER_SHARE = 0.02
_LARGEST_SPREAD = 18.0
"""Colour distance (0 to 255) within which a border counts as one colour."""
_PLAIN_SHARE = 0.85
"""Share of the border that must have one colour; an object may touch it."""
_RAMP = 16.0
"""Colour distance over which a pixel turns from background to object."""


def add_alpha(image: np.ndarray) -> np.ndarray | None:
    """Make a plain background transparent.

    The background's colour is the median of the picture's border. Pixels further from
    it than the border's own noise belong to the object; on its edge, where a pixel
    shows both, alpha is between 0 and 1 and the background's share is taken out of the
    colour, so that the object stands on any other background without a fringe.

    Limits: parts of the object in the background's very colour become transparent, and
    a shadow on the ground counts as object.

    Args:
        image: RGB (H, W, 3) uint8.

    Returns:
        RGBA (H, W, 4) uint8, black where transparent, or None where the border has no
        single colour.
    """
    pixels = image.astype(np.float32)
    border = _border(pixels)
    color = np.median(border, axis=0)
    distance = np.abs(border - color).max(axis=1)
    near = distance <= _LARGEST_SPREAD
    if near.mean() < _PLAIN_SHARE:
        return None
    low = np.percentile(distance[near], 98) + 1.0
    away = np.abs(pixels - color).max(axis=2)
    alpha = np.clip((away - low) / _RAMP, 0, 1)
    if not (alpha > 0.5).any():
        return None
    share = np.maximum(alpha, 1e-3)[:, :, None]
    own = np.where(share < 1, (pixels - (1 - share) * color) / share, pixels)
    rgba = np.concatenate([own, 255 * alpha[:, :, None]], axis=2)
    rgba = np.clip(np.round(rgba), 0, 255).astype(np.uint8)
    rgba[rgba[:, :, 3] == 0] = 0
    return rgba


def _border(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    rim = max(1, round(_BORDER_SHARE * min(height, width)))
    parts = (pixels[:rim], pixels[-rim:], pixels[:, :rim], pixels[:, -rim:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])
