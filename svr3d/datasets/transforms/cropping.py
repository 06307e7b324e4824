# SPDX-License-Identifier: Apache-2.0
"""Cutting windows out of views and resizing them, cameras included."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from svr3d.geometry.cameras import crop_intrinsics, resize_intrinsics

from .base import Sample


class Window(NamedTuple):
    """A rectangle of pixels; it may reach outside the image.

    Attributes:
        left: First column.
        top: First row.
        right: Column after the last.
        bottom: Row after the last.
    """

    left: int
    top: int
    right: int
    bottom: int


def centre_window(height: int, width: int, crop_size: tuple[int, int]) -> Window:
    """Return the centred window of an image.

    Args:
        height: Image height.
        width: Image width.
        crop_size: Height and width of the window; an image that is not larger in both
            is taken whole.
    """
    crop_height, crop_width = crop_size
    if height <= crop_height or width <= crop_width:
        return Window(0, 0, width, height)
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return Window(left, top, left + crop_width, top + crop_height)


def box_window(
    box: np.ndarray,
    height: int,
    width: int,
    *,
    zoom: float = 1.0,
    offsets: tuple[float, float, float, float] = (0.5, 0.5, 0.5, 0.5),
) -> Window:
    """Return the square window around a bounding box, as Pix2Vox computes it.

    Args:
        box: Left, top, right, bottom as fractions of the image.
        height: Image height.
        width: Image width.
        zoom: Factor on the longer side of the box.
        offsets: Distances of left, right, top and bottom edge from the centre, in sides
            of the square.
    """
    left, top, right, bottom = np.asarray(box, np.float64) * (
        width,
        height,
        width,
        height,
    )
    side = max(right - left, bottom - top) * zoom
    middle_x, middle_y = (left + right) * 0.5, (top + bottom) * 0.5
    return Window(
        int(middle_x - side * offsets[0]),
        int(middle_y - side * offsets[2]),
        int(middle_x + side * offsets[1]) + 1,
        int(middle_y + side * offsets[3]) + 1,
    )


def resize_bilinear(view: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Resize a view (H, W[, C]) as ``cv2.resize`` does: bilinear, no antialiasing."""
    return cv2.resize(view, (image_size[1], image_size[0]))


def resize_antialiased(view: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Resize a view (H, W[, C]) float32 in [0, 1] as Pillow resizes pictures.

    Bilinear, with a support that grows when the image shrinks. Colours are rounded to
    8 bits before and after, as where a program resizes the picture of a file; a plane
    (H, W) keeps its precision. With alpha (C = 4) colours are weighted by it, so that
    what is stored under transparent pixels does not bleed into the edges; it becomes
    black.
    """
    height, width = image_size
    if view.ndim == 2:
        picture = Image.fromarray(np.ascontiguousarray(view, np.float32))
    else:
        levels = np.rint(np.clip(view, 0, 1) * np.float32(255)).astype(np.uint8)
        # Blue stands for red here and red for blue, which resizing does not mind.
        picture = Image.fromarray(np.ascontiguousarray(levels))
    resized = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return resized if view.ndim == 2 else resized / np.float32(255)


def resize_blurred(view: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Resize a view (H, W[, C]) float32 as scikit-image does: blurred, then bilinear.

    The Gaussian's standard deviation is half of what the image shrinks by, less one.
    """
    from skimage.transform import resize

    return resize(view, image_size, order=1, anti_aliasing=True).astype(np.float32)


def crop_views(
    sample: Sample,
    windows: list[Window],
    image_size: tuple[int, int],
    *,
    resize: Callable[[np.ndarray, tuple[int, int]], np.ndarray] = resize_bilinear,
) -> Sample:
    """Cut a window out of each view and resize it, with all that depends on pixels.

    What lies outside the image is filled with its edge.

    Args:
        sample: The sample.
        windows: One window per view.
        image_size: Height and width of the result.
        resize: Resizes a view (H, W[, C]) to a height and width.
    """
    sample = dict(sample)
    height, width = sample["images"].shape[1:3]
    for key in ("images", "masks"):
        if key in sample:
            views = zip(sample[key], windows, strict=True)
            sample[key] = np.stack([_cut(v, w, image_size, resize) for v, w in views])
    corners = np.array(windows, np.float64)
    sizes = corners[:, 2:] - corners[:, :2]
    if "boxes" in sample:
        pixels = sample["boxes"] * (width, height, width, height)
        sample["boxes"] = (pixels - np.tile(corners[:, :2], 2)) / np.tile(sizes, 2)
    if "intrinsics" in sample:
        left, top, right, bottom = torch.from_numpy(corners)[..., None].unbind(1)
        moved = crop_intrinsics(sample["intrinsics"], left, top)
        sample["intrinsics"] = resize_intrinsics(
            moved, image_size[1] / (right - left), image_size[0] / (bottom - top)
        )
    return sample


def _cut(view, window, image_size, resize):
    """Return the window of one view (H, W[, C]), resized."""
    height, width = view.shape[:2]
    left, top, right, bottom = window
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        cut = view[top:bottom, left:right]
    else:
        rows = np.clip(np.arange(top, bottom), 0, height - 1)
        columns = np.clip(np.arange(left, right), 0, width - 1)
        cut = view[rows[:, None], columns]
    if cut.shape[:2] == tuple(image_size):
        return cut
    return resize(cut, image_size)
