# SPDX-License-Identifier: Apache-2.0
"""Sheets of pictures: rows and columns with titles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

INK = (38, 42, 48)
FAINT = (110, 116, 124)


def picture_grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    *,
    cell_size: int = 160,
    column_titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    gap: int = 6,
) -> np.ndarray:
    """Lay pictures out in rows and columns on white.

    Args:
        rows: Pictures (H, W, 3) uint8 of any size, shown as large as fits a cell
            without distortion; None leaves a cell empty.
        cell_size: Side of a cell in pixels.
        column_titles: One for each column, or none.
        row_titles: One for each row, written above its pictures, or none.
        gap: Pixels between cells.

    Returns:
        The sheet (H, W, 3) uint8.
    """
    from PIL import Image, ImageDraw

    if not rows or not any(len(row) for row in rows):
        raise ValueError("expected at least one picture, found none")
    columns = max(len(row) for row in rows)
    font_size = max(11, cell_size // 11)
    head = font_size + 2 * gap if column_titles else gap
    label = font_size + gap if row_titles else 0
    width = columns * (cell_size + gap) + gap
    height = head + len(rows) * (label + cell_size + gap)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(column_titles):
        left = gap + column * (cell_size + gap)
        _write(draw, title, (left, gap), cell_size, font_size, INK, centred=True)
    for index, row in enumerate(rows):
        top = head + index * (label + cell_size + gap)
        if row_titles:
            room = width - 2 * gap
            _write(draw, row_titles[index], (gap, top), room, font_size, FAINT)
        for column, picture in enumerate(row):
            if picture is None:
                continue
            fitted = _fit(picture, cell_size)
            left = gap + column * (cell_size + gap) + (cell_size - fitted.width) // 2
            below = top + label + (cell_size - fitted.height) // 2
            sheet.paste(fitted, (left, below))
    return np.asarray(sheet)


def image_to_picture(image: np.ndarray) -> np.ndarray:
    """Turn a network's input into a picture.

    Args:
        image: RGB (3, H, W) float, clipped to [0, 1].

    Returns:
        Picture (H, W, 3) uint8.
    """
    picture = np.asarray(image, np.float32).transpose(1, 2, 0)
    return (np.nan_to_num(picture).clip(0, 1) * 255).round().astype(np.uint8)


def save_picture(picture: np.ndarray, path: str | Path) -> Path:
    """Write a picture (H, W, 3) uint8; the file's ending tells the format."""
    from PIL import Image

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def save_animation(
    frames: Sequence[np.ndarray], path: str | Path, *, duration: float
) -> Path:
    """Write frames as an animated ``.gif`` or ``.webp`` that goes on forever.

    Args:
        frames: (H, W, 3) uint8, all of one size.
        path: File to write.
        duration: Seconds of all frames together.
    """
    from PIL import Image

    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 * duration / len(pictures)),
        loop=0,
    )
    return path


def _fit(picture: np.ndarray, cell_size: int):
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = cell_size / max(image.size)
    size = tuple(max(1, round(scale * side)) for side in image.size)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS)


@cache
def _font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _write(draw, text, place, room, size, ink, *, centred=False) -> None:
    """Write one line, shortened with an ellipsis to the room in pixels."""
    font = _font(size)
    if draw.textlength(text, font) > room:
        while text and draw.textlength(text + "...", font) > room:
            text = text[:-1]
        text += "..."
    left, top = place
    if centred:
        left += (room - draw.textlength(text, font)) / 2
    draw.text((left, top), text, fill=ink, font=font)
