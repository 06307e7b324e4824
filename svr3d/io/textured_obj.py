# SPDX-License-Identifier: Apache-2.0
"""Wavefront files with a material and images beside them."""

from pathlib import Path

from svr3d.errors import MeshError
from svr3d.io.mesh_data import MeshData

_MATERIAL = "newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\n"


def save_textured_obj(path: str | Path, mesh: MeshData) -> None:
    """Write ``<name>.obj``, ``<name>.mtl`` and ``<name>_<k>.png`` for each texture.

    :func:`svr3d.io.meshes.save_mesh` writes one file instead, with a colour for each
    vertex. Faces without a texture are white. The same mesh gives the same files.

    Args:
        path: The ``.obj`` to write; its folder is made.
        mesh: With ``textures``, ``uv`` and ``face_texture``.

    Raises:
        MeshError: If the suffix is another, the name cannot stand in a material file,
            or there is no texture.
    """
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() != ".obj" or len(path.name.split()) != 1:
        raise MeshError(
            f"{path}: expected a name without spaces that ends in .obj, found "
            f"{path.name!r}"
        )
    if not mesh.textures or mesh.uv is None:
        raise MeshError(f"{path}: expected a mesh with textures and uv, found none")
    path.parent.mkdir(parents=True, exist_ok=True)
    materials = []
    for index, texture in enumerate(mesh.textures):
        image = path.with_name(f"{path.stem}_{index}.png")
        opaque = (texture[..., 3] == 255).all()
        Image.fromarray(texture[..., :3] if opaque else texture).save(image)
        name = f"texture{index}"
        materials.append(_MATERIAL.format(name=name) + f"map_Kd {image.name}\n")
    if (mesh.face_texture < 0).any():
        materials.append(_MATERIAL.format(name="plain"))
    path.with_suffix(".mtl").write_text("\n".join(materials))
    rows = [f"mtllib {path.with_suffix('.mtl').name}"]
    rows += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices]
    rows += [f"vt {u:.9g} {v:.9g}" for u, v in mesh.uv.reshape(-1, 2)]
    current = None
    for number, face in enumerate(mesh.faces + 1):
        texture = int(mesh.face_texture[number])
        if texture != current:
            rows.append(f"usemtl {f'texture{texture}' if texture >= 0 else 'plain'}")
            current = texture
        first = 3 * number + 1
        corners = (
            f"{v}/{first + i}" if texture >= 0 else v for i, v in enumerate(face)
        )
        rows.append(f"f {' '.join(map(str, corners))}")
    path.write_text("\n".join(rows) + "\n")
