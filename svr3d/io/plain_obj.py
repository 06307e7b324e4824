# SPDX-License-Identifier: Apache-2.0
"""Wavefront files as the neural mesh renderer reads and writes them: geometry alone.

Vertices keep their order and number, which templates of a fixed topology rely on;
:func:`svr3d.io.load_mesh` reads colours, materials and other formats.
"""

from pathlib import Path

import numpy as np

from svr3d.errors import MeshError


def read_plain_obj(
    path: str | Path, *, normalize: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Reads vertices and faces; polygons become fans.

    Args:
        path: A Wavefront file.
        normalize: Move and scale the vertices so that their box is centred and its
            longest side is 2.

    Returns:
        (V, 3) float32 vertices and (F, 3) int32 faces.

    Raises:
        MeshError: The file is missing, or a line of it cannot be understood.
    """
    vertices, faces = [], []
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MeshError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            if words[:1] == ["v"]:
                x, y, z = (float(word) for word in words[1:4])
                vertices.append((x, y, z))
            elif words[:1] == ["f"]:
                corners = [int(word.split("/")[0]) for word in words[1:]]
                # Negative numbers count back from the latest vertex.
                corners = [c - 1 if c > 0 else len(vertices) + c for c in corners]
                pairs = zip(corners[1:], corners[2:], strict=False)
                faces += [(corners[0], a, b) for a, b in pairs]
        except ValueError as error:
            raise MeshError(f"{path}: line {number}: {line!r}: {error}") from error
    points = np.array(vertices, dtype=np.float32).reshape(-1, 3)
    index = np.array(faces, dtype=np.int64).reshape(-1, 3)
    if index.size and (index.min() < 0 or index.max() >= len(points)):
        raise MeshError(f"{path}: a face names a vertex beyond the {len(points)}")
    if normalize and len(points):
        points = points - points.min(0)
        points = points * (2 / max(float(points.max()), 1e-30))
        points = points - points.max(0) / 2
    return points.astype(np.float32), index.astype(np.int32)


def write_plain_obj(path: str | Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Writes vertices (V, 3) with eight digits and faces (F, 3).

    Args:
        path: The file to write; its name stands in the first line.
        vertices: (V, 3) positions.
        faces: (F, 3) vertex indices.
    """
    rows = [f"# {Path(path).name}", "#", ""]
    rows += [f"v {x:.8f} {y:.8f} {z:.8f}" for x, y, z in np.asarray(vertices)]
    rows += [""]
    rows += [f"f {a} {b} {c}" for a, b, c in np.asarray(faces) + 1]
    Path(path).write_text("\n".join(rows) + "\n")
