# SPDX-License-Identifier: Apache-2.0
"""Images from users, brought into the form of a data set's renderings."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from svr3d.errors import DataError
from svr3d.io.images import read_image

from .background import add_alpha

if TYPE_CHECKING:
    from PIL.Image import Image

ImageInput: TypeAlias = "str | PathLike | np.ndarray | Image"

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_ORIENTATION = 0x0112


def load_rgba(image: ImageInput, *, source: str | None = None) -> np.ndarray:
    """Read an image and separate the object from its background.

    Transparency that the image has is kept. Without it a background of one colour is
    made transparent; a photograph without such a background is taken as it is, with a
    warning.

    Args:
        image: A file, an array (H, W), (H, W, 3) or (H, W, 4) in RGB order, uint8 or
            float in [0, 1], or a PIL image.
        source: What messages call the image.

    Returns:
        RGBA (H, W, 4) uint8.

    Raises:
        DataError: The file cannot be read, or the array is not an image.
    """
    if isinstance(image, str | PathLike):
        source = source or str(image)
        pixels = _read(Path(image))
    else:
        source = source or "image"
        pixels = _from_memory(image, source)
    if pixels.shape[2] == 4 and (pixels[:, :, 3] < 255).any():
        if not (pixels[:, :, 3] > 0).any():
            raise DataError(f"{source}: expected an object, found only transparency")
        # Renderings are black where they are transparent, and published pipelines let
        # that colour into the edges when they resize.
        return np.where(pixels[:, :, 3:] > 0, pixels, 0)
    rgb = pixels[:, :, :3]
    separated = add_alpha(rgb)
    if separated is None:
        warnings.warn(
            f"{source}: no plain background found, the whole picture is taken as the "
            "object; cut the object out (alpha channel) for a better result",
            stacklevel=2,
        )
        return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return separated


def frame_object(rgba: np.ndarray, size: int, share: float) -> np.ndarray:
    """Place the object in a square picture as the renderings of the data sets do.

    The box of the object, found from alpha, is centred and its longer side scaled to
    a share of the picture. An opaque picture is cut to a centred square.

    Args:
        rgba: Picture (H, W, 4) uint8.
        size: Side of the result in pixels.
        share: Longer side of the object's box over the picture's side.

    Returns:
        Picture (size, size, 4) uint8.
    """
    height, width = rgba.shape[:2]
    rows, columns = np.nonzero(rgba[:, :, 3] > 25)
    if (rgba[:, :, 3] == 255).all() or len(rows) == 0:
        side = float(min(height, width))
        middle = (width / 2, height / 2)
    else:
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        side = max(box[2] - box[0], box[3] - box[1]) / share
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return _cut_square(rgba, middle, side, size)


def _cut_square(
    rgba: np.ndarray, middle: tuple[float, float], side: float, size: int
) -> np.ndarray:
    # Colours are weighted by alpha, else transparent pixels bleed into the edge.
    pixels = rgba.astype(np.float32)
    pixels[:, :, :3] *= pixels[:, :, 3:] / 255
    pad = max(0, int(np.ceil(side / 2 - min(middle)))) + 1
    far = max(middle[0] - pixels.shape[1], middle[1] - pixels.shape[0]) + side / 2
    pad = max(pad, int(np.ceil(far)) + 1)
    pixels = cv2.copyMakeBorder(pixels, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    left, top = (round(centre + pad - side / 2) for centre in middle)
    whole = max(1, round(side))
    square = pixels[top : top + whole, left : left + whole]
    shrinks = size < whole
    square = cv2.resize(
        square,
        (size, size),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    alpha = np.maximum(square[:, :, 3:], 1e-3)
    square[:, :, :3] *= 255 / alpha
    return np.clip(np.round(square), 0, 255).astype(np.uint8)


def _read(path: Path) -> np.ndarray:
    from PIL import Image

    pixels = read_image(path)
    pixels = np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]])
    try:
        with Image.open(path) as opened:
            orientation = opened.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError):
        orientation = 1  # OpenCV could read it; only the camera's note is missing.
    return _upright(pixels, orientation)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the rotation that a camera noted in EXIF."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, turns))


def _from_memory(image: np.ndarray | Image, source: str) -> np.ndarray:
    if hasattr(image, "convert"):
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        return np.asarray(image.convert("RGBA" if has_alpha else "RGB"))
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or 0 in pixels.shape:
        raise DataError(
            f"{source}: expected an array (H, W, 3) or (H, W, 4), "
            f"found {np.asarray(image).shape}"
        )
    if np.issubdtype(pixels.dtype, np.floating):
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise DataError(f"{source}: expected finite values in [0, 1]")
        pixels = np.round(pixels * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise DataError(f"{source}: expected uint8 or float, found {pixels.dtype}")
    return pixels
