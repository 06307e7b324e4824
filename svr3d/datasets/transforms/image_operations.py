# SPDX-License-Identifier: Apache-2.0
"""Operations on pictures of 8 bits, by name, with magnitudes in ten steps."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

MAX_MAGNITUDE = 9

_GREY = (128, 128, 128)
_UNSIGNED = {  # operation -> magnitude at the first and the last step
    "posterize": (8.0, 4.0),
    "solarize": (256.0, 0.0),
}
_SIGNED = {
    "shear_x": (0.0, 0.3),
    "shear_y": (0.0, 0.3),
    "rotate": (0.0, 30.0),
    "color": (0.0, 0.9),
    "contrast": (0.0, 0.9),
    "sharpness": (0.0, 0.9),
    "brightness": (0.0, 0.9),
}
_PLAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "autocontrast": ImageOps.autocontrast,
    "equalize": ImageOps.equalize,
    "invert": ImageOps.invert,
}
_ENHANCERS = {
    "color": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
    "sharpness": ImageEnhance.Sharpness,
    "brightness": ImageEnhance.Brightness,
}
OPERATIONS = (*_PLAIN, *_UNSIGNED, *_SIGNED)


def has_sign(name: str) -> bool:
    """Return whether chance decides the direction of an operation."""
    return name in _SIGNED


def apply_operation(
    view: np.ndarray, name: str, *, magnitude: int = 0, sign: int = 1
) -> np.ndarray:
    """Return a view after one operation.

    Operations and ranges are those of AutoAugment (Cubuk et al., CVPR 2019): shears to
    0.3, rotations to 30 degrees (what comes into the picture is grey), colour,
    contrast, sharpness and brightness by factors of 1 to 1.9 or 0.1, 8 to 4 bits of
    each channel, inversion of what is brighter than 256 to 0; ``autocontrast``,
    ``equalize`` and ``invert`` know no magnitude.

    Args:
        view: (H, W, 3) float32 BGR in [0, 1], rounded to 8 bits; with alpha (H, W, 4)
            the alpha is kept.
        name: One of ``OPERATIONS``.
        magnitude: Step of the range, 0 to 9.
        sign: Direction, 1 or -1.
    """
    levels = np.rint(np.clip(view[..., 2::-1], 0, 1) * np.float32(255))
    picture = Image.fromarray(np.ascontiguousarray(levels.astype(np.uint8)))
    changed = np.asarray(_apply(picture, name, magnitude, sign), np.float32)
    result = view.copy()
    result[..., :3] = changed[..., ::-1] / np.float32(255)
    return result


def _apply(picture, name, magnitude, sign):
    if name in _PLAIN:
        return _PLAIN[name](picture)
    low, high = _UNSIGNED.get(name) or _SIGNED[name]
    value = low + (high - low) * magnitude / MAX_MAGNITUDE
    if name == "posterize":
        return ImageOps.posterize(picture, int(round(value)))
    if name == "solarize":
        return ImageOps.solarize(picture, value)
    value *= sign
    if name in _ENHANCERS:
        return _ENHANCERS[name](picture).enhance(1 + value)
    if name == "rotate":
        return picture.rotate(value, fillcolor=_GREY)
    matrix = (1, value, 0, 0, 1, 0) if name == "shear_x" else (1, 0, 0, value, 1, 0)
    affine = Image.Transform.AFFINE
    return picture.transform(
        picture.size, affine, matrix, Image.Resampling.BICUBIC, fillcolor=_GREY
    )
