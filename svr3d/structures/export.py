# SPDX-License-Identifier: Apache-2.0
"""Write one sample of a structure to a file that other programs open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .base import Structure
from .mesh import Mesh
from .point_cloud import PointCloud
from .voxels import Voxels

MESH_FORMATS = ("glb", "obj", "ply", "off")
EXPORT_FORMATS = (*MESH_FORMATS, "binvox")


def save_structure(
    structure: Structure,
    path: str | Path,
    *,
    threshold: float | None = None,
    mode: str = "smooth",
    resolution: int = 32,
) -> Path:
    """Write one sample; the file's ending tells the format.

    ``glb``, ``obj``, ``ply`` and ``off`` hold the surface in the object frame
    (y up, inside ``[-0.5, 0.5]^3``); a ``ply`` of a point cloud holds its points.
    ``binvox`` holds the cells that reach the threshold.

    Args:
        structure: A batch of one sample.
        path: File to write; its folder is made.
        threshold: Level of the surface of voxels and occupancy fields; None takes the
            batch's own.
        mode: How voxels become a surface, see :meth:`Voxels.to_mesh`.
        resolution: Cells along one axis where something other than voxels is written as
            ``binvox``.

    Returns:
        The path that was written.

    Raises:
        ValueError: The format is unknown, the batch does not hold exactly one sample,
            or the surface is empty.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in EXPORT_FORMATS:
        raise ValueError(
            f"{path}: expected one of the formats {', '.join(EXPORT_FORMATS)}, "
            f"found {kind or 'no ending'!r}"
        )
    if len(structure) != 1:
        raise ValueError(f"{path}: expected one sample, found {len(structure)}")
    structure = structure.cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "binvox":
        _save_binvox(structure, path, threshold, resolution)
    elif kind == "ply" and isinstance(structure, PointCloud):
        _save_points(structure, path)
    else:
        smooth = mode == "smooth" and not isinstance(structure, PointCloud)
        _save_mesh(_as_mesh(structure, threshold, mode), path, kind, smooth)
    return path


def _as_mesh(structure: Structure, threshold: float | None, mode: str) -> Mesh:
    if isinstance(structure, Mesh | PointCloud):
        return structure.to_mesh()
    if isinstance(structure, Voxels):
        return structure.to_mesh(threshold, mode=mode)
    return structure.to_mesh(threshold)


def _save_mesh(mesh: Mesh, path: Path, kind: str, smooth: bool) -> None:
    from svr3d.io.meshes import MeshData, save_mesh

    vertices, faces = mesh.vertices[0].detach().numpy(), mesh.faces[0].numpy()
    if len(faces) == 0:
        raise ValueError(f"{path}: the surface is empty, nothing to write")
    colors = None
    if mesh.colors is not None:
        colors = _opaque_bytes(mesh.colors[0])
    if kind == "glb" and colors is None and smooth:
        normals = mesh.vertex_normals()[0].detach().numpy()
        path.write_bytes(_smooth_glb(vertices, faces, normals))
    else:
        save_mesh(path, MeshData(vertices, faces, vertex_colors=colors))


def _smooth_glb(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> bytes:
    """Write normals too: viewers draw a mesh without them with visible facets."""
    import trimesh

    surface = trimesh.Trimesh(vertices, faces, vertex_normals=normals, process=False)
    material = trimesh.visual.material.PBRMaterial(
        baseColorFactor=(190, 190, 186, 255), metallicFactor=0.0, roughnessFactor=0.9
    )
    surface.visual = trimesh.visual.TextureVisuals(material=material)
    return surface.export(file_type="glb", include_normals=True)


def _save_points(cloud: PointCloud, path: Path) -> None:
    import trimesh

    points = cloud.points[0].detach().numpy()
    colors = None
    if cloud.colors is not None:
        colors = _opaque_bytes(cloud.colors[0])
    path.write_bytes(trimesh.PointCloud(points, colors).export(file_type="ply"))


def _opaque_bytes(colors: torch.Tensor) -> np.ndarray:
    """Colours (N, 3) in [0, 1] as (N, 4) bytes."""
    opaque = torch.cat([colors, torch.ones_like(colors[:, :1])], dim=1)
    return (opaque.detach().clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _save_binvox(
    structure: Structure, path: Path, threshold: float | None, resolution: int
) -> None:
    from svr3d.io.binvox import write_binvox

    voxels = structure
    if not isinstance(structure, Voxels):
        voxels = structure.to_voxels(resolution)
    solid = voxels.binary(threshold)[0].to(torch.uint8)
    write_binvox(path, solid.numpy(), translate=(-0.5, -0.5, -0.5), scale=1.0)
