# SPDX-License-Identifier: Apache-2.0
"""From one mesh file to everything that a data set holds about the object."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from svr3d.geometry.cameras import choy_camera, to_object_frame
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import load_mesh
from svr3d.io.points import OccupancyPoints, SurfacePoints
from svr3d.ops import voxelize_meshes
from svr3d.preparation.camera_sampling import sample_choy_metadata
from svr3d.preparation.deformation import Deformation
from svr3d.preparation.object_frame import PlacedMesh, normalize_mesh
from svr3d.preparation.occupancy_samples import sample_occupancy
from svr3d.preparation.seeding import stable_rng
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.surface_samples import sample_surface
from svr3d.preparation.watertight import is_watertight, make_watertight
from svr3d.renderers import ColorRenderer


@dataclass
class ObjectData:
    """All data of one object, before a layout writes it.

    Attributes:
        placed: The mesh in the object frame.
        images: Renderings (V, H, W, 4) uint8 RGBA.
        metadata: Rows (V, 5) of ``rendering_metadata.txt``.
        extrinsics: Cameras (V, 3, 4) float64 of the object frame.
        intrinsics: Cameras (V, 3, 3) float64 in pixels.
        voxels: Solid grid (R, R, R) uint8, index order ``[x, y, z]``.
        points: Query points with labels.
        surface: Surface points with normals.
        grid_scale: Side of the object frame's unit cube in the frame that the
            published cameras use, where the bounding box has diagonal 1.
        closed: Whether the points are those of a watertight version of the mesh.
    """

    placed: PlacedMesh
    images: np.ndarray
    metadata: np.ndarray
    extrinsics: np.ndarray
    intrinsics: np.ndarray
    voxels: np.ndarray
    points: OccupancyPoints
    surface: SurfacePoints
    grid_scale: float
    closed: bool = False

    def counts(self) -> dict[str, int | bool]:
        """Return the sizes that the manifest lists."""
        mesh = self.placed.mesh
        return {
            **({"made_watertight": True} if self.closed else {}),
            "vertices": len(mesh.vertices),
            "faces": len(mesh.faces),
            "zero_area_faces_dropped": mesh.num_zero_area_faces,
            "textures": len(mesh.textures),
            "views": len(self.images),
            "voxels_inside": int(self.voxels.sum()),
            "points_inside": int(self.points.occupancies.sum()),
            "surface_points": len(self.surface.points),
        }


def prepare_object(
    path: str | Path,
    sample_id: str,
    *,
    settings: BuildSettings,
    deformation: Deformation | None = None,
) -> ObjectData:
    """Read, place, render, voxelise and sample one mesh.

    The published cameras see the mesh with a bounding box of diagonal 1, so the unit
    cube of the object frame has side ``1 / diagonal`` there.

    Args:
        path: The mesh file.
        sample_id: ``<category>/<model>``; seeds the object's random draws together
            with the settings' seed.
        settings: What to make.
        deformation: Change the mesh in the object frame and place it anew; ``loc``
            and ``scale`` then lead back to the object frame of the file's mesh.

    Raises:
        MeshError: The file is no usable mesh.
    """
    placed = normalize_mesh(load_mesh(path), up=settings.up)
    if deformation is not None:
        vertices = deformation.apply(placed.mesh.vertices)
        placed = normalize_mesh(replace(placed.mesh, vertices=vertices))
    mesh = placed.mesh
    rngs = [
        stable_rng(settings.seed, sample_id, name)
        for name in ("cameras", "points", "surface")
    ]
    grid_scale = 1.0 / placed.diagonal
    metadata = sample_choy_metadata(settings.views, rngs[0])
    side = settings.resolution
    extrinsics, intrinsics = choy_camera(
        torch.from_numpy(metadata), height=side, width=side
    )
    lower_corner = torch.full((3,), -grid_scale / 2, dtype=torch.float64)
    extrinsics = to_object_frame(extrinsics, lower_corner, grid_scale)
    renderer = ColorRenderer(side, side, supersample=settings.supersample)
    images = renderer.render(mesh, extrinsics, intrinsics)
    voxels = voxelize_meshes(
        torch.from_numpy(mesh.vertices),
        torch.from_numpy(mesh.faces),
        settings.voxel_resolution,
        mode="solid",
    )
    solid = _solid(mesh, settings)
    points, inside = sample_occupancy(
        solid,
        settings.num_points,
        padding=settings.padding,
        rng=rngs[1],
        uniform_ratio=settings.uniform_ratio,
        sigma=settings.sigma,
        half=settings.float16,
    )
    surface, normals = sample_surface(solid, settings.num_surface_points, rng=rngs[2])
    loc = placed.loc
    return ObjectData(
        placed=placed,
        images=np.asarray(images),
        metadata=metadata,
        extrinsics=extrinsics.numpy(),
        intrinsics=intrinsics.numpy(),
        voxels=np.asarray(voxels),
        points=OccupancyPoints(points, inside, loc, placed.scale),
        surface=SurfacePoints(surface, normals, loc, placed.scale),
        grid_scale=grid_scale,
        closed=solid is not mesh,
    )


def _solid(mesh: MeshData, settings: BuildSettings) -> MeshData:
    """Return the mesh whose points are drawn."""
    if settings.watertight == "never" or (
        settings.watertight == "open" and is_watertight(mesh)
    ):
        return mesh
    return make_watertight(mesh, resolution=settings.watertight_resolution)
