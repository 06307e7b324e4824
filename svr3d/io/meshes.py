# SPDX-License-Identifier: Apache-2.0
"""Mesh files of any common format, read into one plain record of arrays."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from svr3d.errors import MeshError
from svr3d.io.mesh_colors import PartColors, part_colors
from svr3d.io.mesh_data import MeshData
from svr3d.io.mesh_writing import save_mesh

__all__ = ["MESH_SUFFIXES", "MeshData", "load_mesh", "save_mesh"]

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")


def load_mesh(path: str | Path) -> MeshData:
    """Read a mesh file: scene graph applied, parts and materials merged.

    glTF base colours are linear and become sRGB here; the colours of other
    formats are sRGB already. Unreferenced vertices and faces without area are
    dropped.

    Args:
        path: A ``.glb``, ``.gltf``, ``.obj``, ``.off``, ``.ply`` or ``.stl`` file.

    Raises:
        MeshError: The file is missing, unreadable, has no faces, has non-finite
            vertices, has indices out of range or only faces without area.
    """
    path = Path(path)
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise MeshError(
            f"{path}: expected a mesh file ({' '.join(MESH_SUFFIXES)}), "
            f"found suffix {path.suffix!r}"
        )
    if not path.is_file():
        raise MeshError(f"{path}: expected a mesh file, found no such file")
    is_gltf = path.suffix.lower() in (".glb", ".gltf")
    parts = []
    for vertices, faces, visual, mirrored in _scene_parts(path):
        _check_part(path, vertices, faces)
        colors = part_colors(visual, faces, linear=is_gltf)
        if mirrored:  # what was outside stays outside
            faces = faces[:, ::-1]
            colors.uv = None if colors.uv is None else colors.uv[:, ::-1]
        parts.append((vertices, faces, colors))
    if not parts:
        raise MeshError(f"{path}: expected a mesh with faces, found no faces")
    return _finish(path, _merge(parts))


def _scene_parts(
    path: Path,
) -> Iterator[tuple[np.ndarray, np.ndarray, object, bool]]:
    """Yield vertices, faces, trimesh visual and whether the node mirrors, per part."""
    import trimesh

    try:
        scene = trimesh.load_scene(str(path), process=False)
        placed = [scene.graph.get(node) for node in scene.graph.nodes_geometry]
    except Exception as error:  # trimesh passes on whatever its parsers raise
        raise MeshError(
            f"{path}: expected a readable {path.suffix[1:]} mesh, "
            f"found {type(error).__name__}: {error}"
        ) from error
    for transform, name in placed:
        geometry = scene.geometry[name]
        faces = getattr(geometry, "faces", None)
        if faces is None or len(faces) == 0:  # curves and point clouds
            continue
        vertices = np.asarray(geometry.vertices, dtype=np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
        mirrored = np.linalg.det(transform[:3, :3]) < 0
        yield vertices, np.asarray(faces, dtype=np.int64), geometry.visual, mirrored


def _check_part(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise MeshError(
            f"{path}: expected vertex indices in [0, {len(vertices) - 1}], "
            f"found {faces.min()} to {faces.max()}"
        )
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise MeshError(
            f"{path}: expected finite vertices, "
            f"found {np.count_nonzero(~finite)} of {len(vertices)} with NaN or infinity"
        )


def _merge(parts: list[tuple[np.ndarray, np.ndarray, PartColors]]) -> MeshData:
    colors = [part for _, _, part in parts]
    offsets = np.cumsum([0] + [len(vertices) for vertices, _, _ in parts])
    mesh = MeshData(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([p[1] + o for p, o in zip(parts, offsets[:-1], strict=True)]),
    )
    counts = [len(part[1]) for part in parts]
    mesh.face_colors = _join([c.face for c in colors], counts)
    mesh.vertex_colors = _join([c.vertex for c in colors], np.diff(offsets))
    if any(c.texture is not None for c in colors):
        mesh.uv = np.zeros((len(mesh.faces), 3, 2), dtype=np.float32)
        start = 0
        for part, count in zip(colors, counts, strict=True):
            if part.texture is not None:
                mesh.uv[start : start + count] = part.uv
                mesh.face_texture[start : start + count] = len(mesh.textures)
                mesh.textures.append(part.texture)
            start += count
    return mesh


def _join(arrays: list[np.ndarray | None], counts: list[int]) -> np.ndarray | None:
    """Concatenate (n, 4) colours, white where a part has none."""
    if all(array is None for array in arrays):
        return None
    return np.concatenate(
        [
            np.full((n, 4), 255, dtype=np.uint8) if array is None else array
            for array, n in zip(arrays, counts, strict=True)
        ]
    )


def _finish(path: Path, mesh: MeshData) -> MeshData:
    """Drop faces without area and vertices that no face uses."""
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    extent = np.ptp(corners.reshape(-1, 3), axis=0).max()
    doubled = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    keep = doubled > 1e-12 * extent**2
    if not keep.any():
        raise MeshError(
            f"{path}: expected faces with area, "
            f"found {len(keep)} faces, all with zero area"
        )
    if not keep.all():
        mesh.num_zero_area_faces = int(np.count_nonzero(~keep))
        mesh.faces = mesh.faces[keep]
        mesh.face_texture = mesh.face_texture[keep]
        if mesh.face_colors is not None:
            mesh.face_colors = mesh.face_colors[keep]
        if mesh.uv is not None:
            mesh.uv = mesh.uv[keep]
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[mesh.faces] = True
    if not used.all():
        mesh.faces = (np.cumsum(used) - 1)[mesh.faces]
        mesh.vertices = mesh.vertices[used]
        if mesh.vertex_colors is not None:
            mesh.vertex_colors = mesh.vertex_colors[used]
    return mesh
