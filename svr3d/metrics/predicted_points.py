# SPDX-License-Identifier: Apache-2.0
"""Points of predictions, whatever representation they are."""

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

from svr3d.metrics.predicted_meshes import predicted_meshes
from svr3d.ops.sample_surface import sample_surface
from svr3d.structures import Mesh, OccupancyField, PointCloud, Structure

SOURCES = ("surface", "vertices")


def check_source(points: str, num_points: int) -> None:
    """Raise unless arguments of a metric say how meshes become points.

    Raises:
        ValueError: If ``points`` is unknown or there are no points.
    """
    if points not in SOURCES:
        raise ValueError(f"points: expected 'surface' or 'vertices', found {points!r}")
    if num_points < 1:
        raise ValueError(f"num_points: expected at least 1, found {num_points}")


def predicted_points(
    samples: Sequence[Structure],
    ids: Sequence[str],
    *,
    points: str = "surface",
    num_points: int = 100_000,
    voxel_surface: str = "smooth",
    seed: int = 0,
    normals: bool = True,
) -> list[tuple[Tensor, Tensor | None]]:
    """Return what stands for each prediction where point sets are compared.

    Fields and voxels become meshes first; point clouds are taken as they are.

    Args:
        samples: Structures of one sample each.
        ids: Identifier of each; its draws depend on it and the seed.
        points: 'surface' draws points, with the normals of their faces; 'vertices'
            takes the vertices of the mesh, with normals down the gradient of fields or
            the mean of their faces' normals.
        num_points: Points drawn from a surface, uniformly by area.
        voxel_surface: How voxels become a mesh, see
            :meth:`svr3d.structures.Voxels.to_mesh`.
        seed: Of the draws.
        normals: Whether vertices need normals, which fields compute by gradients.

    Returns:
        Points (N_i, 3) float32 and their normals, or None where a cloud has none; no
        points where nothing was predicted.
    """
    waiting = iter(
        predicted_meshes(
            [sample for sample in samples if not isinstance(sample, PointCloud)],
            voxel_surface=voxel_surface,
        )
    )
    clouds = []
    for sample, sample_id in zip(samples, ids, strict=True):
        if isinstance(sample, PointCloud):
            own = None if sample.normals is None else sample.normals[0].float()
            clouds.append((sample.points[0].detach().float(), own))
            continue
        mesh = next(waiting)
        if points == "vertices":
            vertices = mesh.vertices[0].detach().float()
            own = _vertex_normals(sample, mesh) if normals else None
            clouds.append((vertices, own))
        else:
            clouds.append(draw_points(mesh, num_points, sample_seed(seed, sample_id)))
    return clouds


def sample_seed(seed: int, sample_id: str) -> int:
    """Return a seed of one sample, which no other sample of the data changes."""
    return zlib.crc32(f"{seed}:{sample_id}".encode())


def draw_points(mesh: Mesh, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw points (count, 3) of the only mesh and their normals; none without area."""
    vertices, faces = mesh.vertices[0].detach().float(), mesh.faces[0]
    if not has_area(vertices, faces):
        return vertices[:0], vertices[:0]
    return sample_surface(vertices, faces, count, seed=seed)[:2]


def has_area(vertices: Tensor, faces: Tensor) -> bool:
    """Whether there is a surface to draw points from."""
    corners = vertices[faces]
    sides = corners[:, 1:] - corners[:, :1]
    areas = torch.linalg.cross(sides[:, 0], sides[:, 1]).norm(dim=1)
    return float(areas.sum()) > 0


def _vertex_normals(sample: Structure, mesh: Mesh) -> Tensor:
    if isinstance(sample, OccupancyField):
        return sample.normals(mesh.vertices[0].detach().float()[None])[0]
    return mesh.vertex_normals()[0].float()
