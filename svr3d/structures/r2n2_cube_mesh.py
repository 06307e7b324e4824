# SPDX-License-Identifier: Apache-2.0
"""The cube mesh and OBJ text of the 3D-R2N2 demo (Choy et al., ECCV 2016)."""

import numpy as np

SCALE = 0.01
SPACING = 1.1
DRAWN_ABOVE = 0.3

_CORNERS = np.array(
    [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float64
)
_FACES = np.array(
    [
        [1, 2, 3],
        [2, 4, 3],
        [3, 4, 7],
        [4, 8, 7],
        [1, 3, 7],
        [1, 7, 5],
        [1, 6, 2],
        [1, 5, 6],
        [7, 8, 6],
        [7, 6, 5],
        [2, 8, 4],
        [2, 6, 8],
    ],
    np.int64,
)


def r2n2_cube_mesh(
    grid: np.ndarray, surface_only: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Draw each voxel above 0.3 as its own small cube, as 3D-R2N2's demo does.

    A corner lies at ``0.01 * (corner + 1.1 * index)``, so cubes are apart by a tenth of
    their size and the mesh is not in the object frame. With ``surface_only`` a voxel is
    left out if all 27 voxels of its neighbourhood are drawn; voxels at index 0 always
    count as surface, and so do those at the far border. Equal to ``voxel2mesh`` in
    ``lib/voxel.py`` of chrischoy/3D-R2N2.

    Differs from 3D-R2N2: the input is left as it is, where the original overwrites
    values above 0.3 with 1.

    Args:
        grid: Occupancy (X, Y, Z).
        surface_only: Leave out voxels that no one can see.

    Returns:
        Vertices (8 n, 3) float64 and faces (12 n, 3) int64 counted from one, in the
        order of the voxels' indices.
    """
    drawn = np.asarray(grid) > DRAWN_ABOVE
    shown = drawn
    if surface_only:
        padded = np.pad(drawn, 1)
        buried = np.ones_like(drawn)
        for x in range(3):
            for y in range(3):
                for z in range(3):
                    size_x, size_y, size_z = drawn.shape
                    buried &= padded[x : x + size_x, y : y + size_y, z : z + size_z]
        shown = drawn & ~buried
    cells = np.argwhere(shown)
    vertices = SCALE * (_CORNERS + SPACING * cells[:, None])
    faces = _FACES + 8 * np.arange(len(cells))[:, None, None]
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def r2n2_obj_text(vertices: np.ndarray, faces: np.ndarray) -> str:
    """Write a cube mesh as the OBJ text of 3D-R2N2's ``write_obj``.

    Args:
        vertices: Corners (V, 3).
        faces: Corners of each triangle (F, 3), counted from one.
    """
    lines = ["g", f"# {len(vertices)} vertex"]
    lines += [f"v {x:f} {y:f} {z:f}" for x, y, z in vertices]
    lines.append(f"# {len(faces)} faces")
    lines += [f"f {a} {b} {c}" for a, b, c in faces]
    return "\n".join(lines) + "\n"
