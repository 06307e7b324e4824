# SPDX-License-Identifier: Apache-2.0
"""Write a mesh with its colours to glb, obj, ply or off."""

from pathlib import Path

import numpy as np

from svr3d.errors import MeshError
from svr3d.io.mesh_colors import linear_from_srgb
from svr3d.io.mesh_data import MeshData

MAX_MATERIALS = 256


def save_mesh(path: str | Path, mesh: MeshData) -> None:
    """Write a mesh; the suffix of the path chooses the format.

    ``.glb`` keeps textures and colours (linear, as glTF asks), ``.ply`` and
    ``.obj`` keep colours (a textured face gets the texture's colour at its
    centre), ``.off`` keeps the shape alone. The same mesh gives the same bytes.

    Raises:
        MeshError: The suffix names no supported format.
    """
    path = Path(path)
    writers = {".glb": _glb, ".ply": _ply, ".obj": _obj, ".off": _off}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise MeshError(
            f"{path}: expected a suffix among {' '.join(writers)}, "
            f"found {path.suffix!r}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(writer(mesh))


def _off(mesh: MeshData) -> bytes:
    lines = ["OFF", f"{len(mesh.vertices)} {len(mesh.faces)} 0"]
    lines += [f"{x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices]
    lines += [f"3 {a} {b} {c}" for a, b, c in mesh.faces]
    return ("\n".join(lines) + "\n").encode()


def _ply(mesh: MeshData) -> bytes:
    import trimesh

    colors = _flat_face_colors(mesh)
    shape = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    if colors is not None:
        shape.visual = trimesh.visual.ColorVisuals(shape, face_colors=colors)
    elif mesh.vertex_colors is not None:
        shape.visual = trimesh.visual.ColorVisuals(
            shape, vertex_colors=mesh.vertex_colors
        )
    return shape.export(file_type="ply")


def _obj(mesh: MeshData) -> bytes:
    """One file: colours ride on the vertices, which face colours split."""
    vertices, faces, colors = mesh.vertices, mesh.faces, mesh.vertex_colors
    flat = _flat_face_colors(mesh)
    if flat is not None:
        vertices = vertices[faces].reshape(-1, 3)
        colors = np.repeat(flat, 3, axis=0)
        faces = np.arange(len(vertices)).reshape(-1, 3)
    rows = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices]
    if colors is not None:
        rows = [
            f"{row} {r:.6g} {g:.6g} {b:.6g}"
            for row, (r, g, b) in zip(rows, colors[:, :3] / 255.0, strict=True)
        ]
    rows += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    return ("\n".join(rows) + "\n").encode()


def _flat_face_colors(mesh: MeshData) -> np.ndarray | None:
    """One colour per face (F, 4), or None where vertex colours or none say all."""
    textured = mesh.face_texture >= 0
    if mesh.face_colors is None and not textured.any():
        return None
    colors = np.full((len(mesh.faces), 4), 255, dtype=np.uint8)
    if mesh.vertex_colors is not None:
        colors[:] = mesh.vertex_colors[mesh.faces].mean(axis=1).round()
    if mesh.face_colors is not None:
        white = (colors == 255).all(axis=1)
        colors[white] = mesh.face_colors[white]
    for index, texture in enumerate(mesh.textures):
        chosen = mesh.face_texture == index
        u, v = mesh.uv[chosen].mean(axis=1).T % 1.0
        height, width = texture.shape[:2]
        rows = np.minimum(((1 - v) * height).astype(int), height - 1)
        colors[chosen] = texture[rows, np.minimum((u * width).astype(int), width - 1)]
    return colors


def _glb(mesh: MeshData) -> bytes:
    import trimesh

    scene = trimesh.Scene()
    for number, (chosen, visual) in enumerate(_glb_parts(mesh)):
        corners = mesh.faces[chosen]
        if visual[0] == "texture":  # uv live on corners: one vertex for each
            vertices = mesh.vertices[corners].reshape(-1, 3)
            faces = np.arange(len(vertices)).reshape(-1, 3)
        else:
            used, faces = np.unique(corners, return_inverse=True)
            vertices, faces = mesh.vertices[used], faces.reshape(-1, 3)
        part = trimesh.Trimesh(vertices, faces, process=False)
        if visual[0] == "texture":
            part.visual = _textured(mesh, chosen, visual[1])
        elif visual[0] == "vertex":
            part.visual = trimesh.visual.ColorVisuals(
                part, vertex_colors=_linear(mesh.vertex_colors[used])
            )
        else:
            material = trimesh.visual.material.PBRMaterial(
                baseColorFactor=_linear(visual[1]),
                metallicFactor=0.0,
                roughnessFactor=0.9,
                alphaMode=_alpha_mode(visual[1]),
            )
            part.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(part, node_name=f"part{number}", geom_name=f"part{number}")
    return scene.export(file_type="glb")


def _glb_parts(mesh: MeshData) -> list[tuple[np.ndarray, tuple[str, object]]]:
    """Split faces into parts of one texture, of vertex colours, or of one colour."""
    parts = []
    for index in range(len(mesh.textures)):
        chosen = mesh.face_texture == index
        if chosen.any():
            parts.append((chosen, ("texture", index)))
    rest = mesh.face_texture < 0
    if mesh.vertex_colors is not None:
        white = (mesh.vertex_colors[mesh.faces] == 255).all(axis=(1, 2))
        chosen = rest & ~white
        if chosen.any():
            parts.append((chosen, ("vertex", None)))
        rest = rest & white
    if not rest.any():
        return parts
    colors = mesh.face_colors
    if colors is None:
        colors = np.full((len(mesh.faces), 4), 255, dtype=np.uint8)
    palette, labels = np.unique(colors[rest], axis=0, return_inverse=True)
    if len(palette) > MAX_MATERIALS:  # keep the upper bits that tell most colours
        coarse = colors[rest] // 64 * 64 + 31
        palette, labels = np.unique(coarse, axis=0, return_inverse=True)
    indices = np.flatnonzero(rest)
    for label, color in enumerate(palette):
        chosen = np.zeros(len(mesh.faces), dtype=bool)
        chosen[indices[labels.reshape(-1) == label]] = True
        parts.append((chosen, ("color", color)))
    return parts


def _textured(mesh: MeshData, chosen: np.ndarray, index: int) -> object:
    from PIL import Image
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    image = mesh.textures[index]
    material = PBRMaterial(
        baseColorTexture=Image.fromarray(image),
        metallicFactor=0.0,
        roughnessFactor=0.9,
        alphaMode=_alpha_mode(image),
    )
    return TextureVisuals(uv=mesh.uv[chosen].reshape(-1, 2), material=material)


def _alpha_mode(colors: np.ndarray) -> str:
    return "OPAQUE" if (colors[..., 3] == 255).all() else "BLEND"


def _linear(colors: np.ndarray) -> np.ndarray:
    colors = colors.astype(np.float64) / 255.0
    colors[..., :3] = linear_from_srgb(colors[..., :3])
    return (colors * 255.0 + 0.5).astype(np.uint8)
