# SPDX-License-Identifier: Apache-2.0
"""Textures of the neural mesh renderer, to images and from images.

Each face has a cube of colours (T, T, T, 3) whose axes stand for its corners: a point
with barycentric weights w has the colour at w * (T - 1). Source: Kato et al., "Neural
3D Mesh Renderer" (2018), in the form of daniilidis-group/neural_renderer (load_obj,
save_obj and their kernels).
"""

import numpy as np

_WRAPS = ("repeat", "mirrored_repeat", "clamp_to_edge", "clamp_to_border")
# The program draws coordinates in by so much, to stay inside of the cube.
_SHRINK = 1 - 1e-5


def cubes_to_image(
    cubes: np.ndarray, *, tile: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Bakes the cubes of all faces into one image, a tile for each face.

    A tile's lower left half shows the face; its upper right half goes on beyond the
    edge, so that interpolation along the edge finds the face's own colour.

    Args:
        cubes: (F, T, T, T, 3) colours.
        tile: Side of a face's tile in pixels.

    Returns:
        Image (H, W, 3) float32 with row 0 on top, and texture coordinates (F, 3, 2)
        float32 of the corners, v upwards; tiles beyond the last face are white.

    Raises:
        ValueError: The shape is wrong, or the tile has fewer than 2 pixels.
    """
    cubes = np.asarray(cubes)
    if cubes.ndim != 5 or len(set(cubes.shape[1:4])) != 1 or cubes.shape[4] != 3:
        raise ValueError(
            f"cubes: expected shape (F, T, T, T, 3), found {tuple(cubes.shape)}"
        )
    if tile < 2:
        raise ValueError(f"tile: expected at least 2, found {tile}")
    count = len(cubes)
    columns = int(max(count - 1, 0) ** 0.5) + 1
    rows = max(count - 1, 0) // columns + 1
    place = np.arange(tile)
    x, y = np.meshgrid(place, place)  # [y, x], y upwards
    # Corners lie at (0, 0), (0, tile - 1) and (tile - 1, tile - 1).
    weights = np.stack([tile - 1 - y, y - x, x], axis=-1) / (tile - 1)
    tiles = _sample_cubes(cubes.astype(np.float64), weights.reshape(-1, 3))
    tiles = tiles.reshape(count, tile, tile, 3)
    # The first pixel beyond the edge repeats its neighbour.
    tiles[:, place[:-1], place[1:]] = tiles[:, place[:-1], place[:-1]]
    image = np.ones((rows * columns, tile, tile, 3), dtype=np.float32)
    image[:count] = tiles
    image = image.reshape(rows, columns, tile, tile, 3).transpose(0, 2, 1, 3, 4)
    image = image.reshape(rows * tile, columns * tile, 3)[::-1]
    number = np.arange(count)
    corner = np.stack([number % columns, number // columns], axis=-1) * tile
    offsets = np.array([[0, 0], [0, tile - 1], [tile - 1, tile - 1]])
    uv = (corner[:, None] + offsets) / (columns * tile - 1, rows * tile - 1)
    return np.ascontiguousarray(image), uv.astype(np.float32)


def image_to_cubes(
    image: np.ndarray,
    uv: np.ndarray,
    size: int,
    *,
    wrap: str = "repeat",
    bilinear: bool = True,
) -> np.ndarray:
    """Samples the cubes of faces from an image.

    Args:
        image: (H, W, 3) colours; row 0 lies at v = 0, so an image with row 0 on top
            must be turned upside down first.
        uv: (F, 3, 2) texture coordinates of the corners.
        size: Cells along a cube's axis, T.
        wrap: What becomes of coordinates outside [0, 1], corner by corner: ``repeat``,
            ``mirrored_repeat``, ``clamp_to_edge``, or ``clamp_to_border``, which makes
            faces with such a corner black.
        bilinear: Interpolate, instead of taking the nearest pixel.

    Returns:
        (F, T, T, T, 3) float32. The cell (0, 0, 0), which is no mixture of corners,
        has the colour at u = v = 0, as in the program.

    Raises:
        ValueError: A shape, the size or the wrap is wrong.
    """
    image, uv = np.asarray(image, np.float64), np.asarray(uv, np.float64)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image: expected shape (H, W, 3), found {image.shape}")
    if uv.ndim != 3 or uv.shape[1:] != (3, 2):
        raise ValueError(f"uv: expected shape (F, 3, 2), found {uv.shape}")
    if size < 2:
        raise ValueError(f"size: expected at least 2, found {size}")
    if wrap not in _WRAPS:
        raise ValueError(f"wrap: expected one of {_WRAPS}, found {wrap!r}")
    cells = np.indices((size,) * 3).reshape(3, -1).T / (size - 1)
    total = cells.sum(axis=1, keepdims=True)
    weights = np.divide(cells, total, out=np.zeros_like(cells), where=total > 0)
    places = weights @ _wrap_corners(uv, wrap)
    height, width = image.shape[:2]
    x, y = (places * (width - 1, height - 1)).transpose(2, 0, 1)
    colors = _interpolate(image, x, y) if bilinear else _nearest(image, x, y)
    if wrap == "clamp_to_border":
        colors[((uv < 0) | (uv > 1)).any(axis=(1, 2))] = 0
    return colors.reshape(-1, size, size, size, 3).astype(np.float32)


def _wrap_corners(uv: np.ndarray, wrap: str) -> np.ndarray:
    if wrap == "repeat":
        # A whole number is the far end of a period, except 0.
        return np.where((uv >= 0) & (uv <= 1), uv, np.mod(uv, 1))
    if wrap == "mirrored_repeat":
        return 1 - np.abs(np.mod(uv, 2) - 1)
    return np.clip(uv, 0, 1)


def _sample_cubes(cubes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Trilinear samples (F, P, 3) of all cubes at weights (P, 3)."""
    last = cubes.shape[1] - 1
    place = np.clip(weights, 0, 1) * last * _SHRINK
    low = place.astype(np.int64)
    part = place - low
    out = np.zeros((len(cubes), len(weights), 3))
    for corner in np.ndindex(2, 2, 2):
        cell = np.minimum(low + corner, last)
        share = np.where(corner, part, 1 - part).prod(axis=1)
        out += share[:, None] * cubes[:, cell[:, 0], cell[:, 1], cell[:, 2]]
    return out


def _interpolate(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x0, y0 = x.astype(np.int64), y.astype(np.int64)
    x1 = np.minimum(x0 + 1, image.shape[1] - 1)
    y1 = np.minimum(y0 + 1, image.shape[0] - 1)
    right, up = (x - x0)[..., None], (y - y0)[..., None]
    lower = image[y0, x0] * (1 - right) + image[y0, x1] * right
    upper = image[y1, x0] * (1 - right) + image[y1, x1] * right
    return lower * (1 - up) + upper * up


def _nearest(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return image[np.rint(y).astype(np.int64), np.rint(x).astype(np.int64)]
