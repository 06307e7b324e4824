# SPDX-License-Identifier: Apache-2.0
"""The plain record that mesh files become."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class MeshData:
    """A triangle mesh with the colours that its file gives, all parts merged.

    A face takes its colour from one source only: its texture where
    ``face_texture`` is not -1; else the product of its vertex colours and its
    face colour, of which one is white (255, 255, 255, 255) where both are
    present. Without any colour all four fields are empty. Colours are sRGB.

    Attributes:
        vertices: Positions (V, 3), in the units and axes of the file.
        faces: Vertex indices (F, 3), counter-clockwise seen from outside.
        face_colors: RGBA (F, 4), or None.
        vertex_colors: RGBA (V, 4), or None.
        uv: Texture coordinates of each face corner (F, 3, 2), or None. (0, 0) is
            the lower left corner of the image, (1, 1) the upper right; values
            outside wrap around.
        face_texture: Index into ``textures`` per face, -1 for none (F,).
        textures: RGBA images (h, w, 4), the first row on top.
        num_zero_area_faces: Faces that the reader dropped for having no area.
    """

    vertices: np.ndarray
    faces: np.ndarray
    face_colors: np.ndarray | None = None
    vertex_colors: np.ndarray | None = None
    uv: np.ndarray | None = None
    face_texture: np.ndarray | None = None
    textures: list[np.ndarray] = field(default_factory=list)
    num_zero_area_faces: int = 0

    def __post_init__(self):
        self.vertices = np.ascontiguousarray(self.vertices, dtype=np.float32)
        self.faces = np.ascontiguousarray(self.faces, dtype=np.int64)
        if self.face_texture is None:
            self.face_texture = np.full(len(self.faces), -1, dtype=np.int64)
