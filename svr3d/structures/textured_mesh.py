# SPDX-License-Identifier: Apache-2.0
"""Meshes whose faces have cubes of colours, as files that other programs open."""

from pathlib import Path

import numpy as np

from svr3d.geometry.texture_cubes import cubes_to_image
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import save_mesh
from svr3d.io.textured_obj import save_textured_obj

_SUFFIXES = (".glb", ".obj")


def textured_mesh(
    vertices: np.ndarray, faces: np.ndarray, cubes: np.ndarray, *, tile: int = 16
) -> MeshData:
    """Bake the cubes of all faces into one texture.

    Args:
        vertices: (V, 3) positions.
        faces: (F, 3) vertex indices.
        cubes: (F, T, T, T, 3) colours in [0, 1], one axis for each corner; see
            :mod:`svr3d.geometry.texture_cubes`.
        tile: Side of a face's place in the texture, in pixels.

    Returns:
        The mesh with its texture.

    Raises:
        ValueError: If the shapes do not fit, or the tile has fewer than 2 pixels.
    """
    if len(cubes) != len(faces):
        raise ValueError(
            f"cubes: expected one for each of {len(faces)} faces, found {len(cubes)}"
        )
    image, uv = cubes_to_image(cubes, tile=tile)
    # There a coordinate of 0 is the centre of the first pixel, in files its border.
    size = np.array([image.shape[1], image.shape[0]], dtype=np.float32)
    uv = (uv * (size - 1) + 0.5) / size
    colors = np.full((*image.shape[:2], 4), 255, dtype=np.uint8)
    colors[..., :3] = np.rint(image.clip(0, 1) * 255)
    return MeshData(
        vertices,
        faces,
        uv=uv,
        face_texture=np.zeros(len(faces), dtype=np.int64),
        textures=[colors],
    )


def save_textured_mesh(
    path: str | Path,
    vertices: np.ndarray,
    faces: np.ndarray,
    cubes: np.ndarray,
    *,
    tile: int = 16,
) -> Path:
    """Write a mesh whose faces have cubes of colours.

    Args:
        path: ``.glb``, or ``.obj`` with ``.mtl`` and ``_0.png`` beside it.
        vertices: (V, 3) positions.
        faces: (F, 3) vertex indices.
        cubes: (F, T, T, T, 3) colours in [0, 1].
        tile: Side of a face's place in the texture, in pixels.

    Returns:
        The path.

    Raises:
        MeshError: If the name cannot stand in a material file.
        ValueError: If the suffix is another, or the shapes do not fit.
    """
    path = Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(
            f"{path}: expected a suffix among {' '.join(_SUFFIXES)}, found "
            f"{path.suffix!r}"
        )
    mesh = textured_mesh(vertices, faces, cubes, tile=tile)
    if path.suffix.lower() == ".obj":
        save_textured_obj(path, mesh)
    else:
        save_mesh(path, mesh)
    return path
