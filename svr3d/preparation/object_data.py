# SPDX-License-Identifier: Apache-2.0
"""From one mesh file to everything that a data set holds about the object."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from svr3d.geometry.cameras import (
    choy_camera,
    drc_camera,
    nmr_camera,
    nmr_view_angles,
    to_object_frame,
)
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import load_mesh
from svr3d.io.points import OccupancyPoints, SurfacePoints
from svr3d.preparation.camera_sampling import (
    sample_choy_metadata,
    sample_drc_views,
    sample_limited_yaw,
)
from svr3d.preparation.colored_cloud import colored_cloud
from svr3d.preparation.deformation import Deformation
from svr3d.preparation.object_frame import PlacedMesh, normalize_mesh
from svr3d.preparation.occupancy_samples import sample_occupancy
from svr3d.preparation.part_labels import label_faces, render_parts
from svr3d.preparation.seeding import stable_rng
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.solid_grids import solid_grid
from svr3d.preparation.surface_samples import sample_surface
from svr3d.preparation.watertight import is_watertight, make_watertight
from svr3d.renderers import ColorRenderer

_OPAQUE = 128


@dataclass
class ObjectData:
    """All data of one object, before a layout writes it.

    Attributes:
        placed: The mesh in the object frame.
        images: Renderings (V, H, W, 4) uint8 RGBA.
        metadata: Rows (V, 5) of ``rendering_metadata.txt``, (V, 4) of ``view.txt``, or
            (V, 3) of azimuth, elevation and distance.
        extrinsics: Cameras (V, 3, 4) float64 of the object frame.
        intrinsics: Cameras (V, 3, 3) float64 in pixels.
        grid_scale: Side of the object frame's unit cube in the frame that the
            published cameras use, where the bounding box has diagonal 1, if it is not
            the object frame itself.
        surface: Surface points with normals.
        voxels: Solid grid (R, R, R) uint8, index order ``[x, y, z]``; None where the
            layout wants none.
        points: Query points with labels, likewise.
        closed: Whether the points are those of a watertight version of the mesh.
        limited: By limit of the yaw, an image (H, W, 4) uint8 RGBA and the ten numbers
            of its camera.
        cloud: Few points (K, 3) in the object frame with RGB (K, 3) in [0, 1], where
            the layout wants them.
        part_maps: Labels (V, H, W) uint8 of the parts that pixels show, 0 outside;
            None where none are wanted.
    """

    placed: PlacedMesh
    images: np.ndarray
    metadata: np.ndarray
    extrinsics: np.ndarray
    intrinsics: np.ndarray
    grid_scale: float
    surface: SurfacePoints
    voxels: np.ndarray | None = None
    points: OccupancyPoints | None = None
    closed: bool = False
    limited: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    cloud: tuple[np.ndarray, np.ndarray] | None = None
    part_maps: np.ndarray | None = None

    @property
    def masks(self) -> np.ndarray:
        """Pixels (V, H, W) bool that belong to the object: it covers half of them."""
        return self.images[..., 3] >= _OPAQUE

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
            **({} if self.part_maps is None else {"parts": int(self.part_maps.max())}),
            **self._solid_counts(),
            "surface_points": len(self.surface.points),
        }

    def _solid_counts(self) -> dict[str, int]:
        counts = {}
        if self.voxels is not None:
            counts["voxels_inside"] = int(self.voxels.sum())
        if self.points is not None:
            counts["points_inside"] = int(self.points.occupancies.sum())
        return counts


def prepare_object(
    path: str | Path,
    sample_id: str,
    *,
    settings: BuildSettings,
    deformation: Deformation | None = None,
) -> ObjectData:
    """Read, place, render, voxelise and sample one mesh.

    Most published cameras see the mesh with a bounding box of diagonal 1, so the unit
    cube of the object frame has side ``1 / diagonal`` there; those of the neural mesh
    renderer see the object frame.

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
    mesh, loc = placed.mesh, placed.loc
    cameras, points, surface = (
        stable_rng(settings.seed, sample_id, name)
        for name in ("cameras", "points", "surface")
    )
    layout = settings.build_layout()
    grid_scale = 1.0 if layout.cameras == "nmr" else 1.0 / placed.diagonal
    metadata = _draw_views(layout.cameras, settings.views, cameras)
    images, extrinsics, intrinsics = _render(
        mesh, metadata, settings.resolution, settings.supersample, grid_scale
    )
    wants_points = layout.wants_solids and layout.wants_points
    solid = _solid(mesh, settings)
    inner = {}
    if layout.wants_solids:
        inner["voxels"] = solid_grid(
            mesh, settings.voxel_resolution, rule=layout.voxel_rule
        )
    if wants_points:
        queries, inside = sample_occupancy(
            solid,
            settings.num_points,
            padding=settings.padding,
            rng=points,
            uniform_ratio=settings.uniform_ratio,
            sigma=settings.sigma,
            half=settings.float16,
        )
        inner["points"] = OccupancyPoints(queries, inside, loc, placed.scale)
    shown, normals = sample_surface(
        solid,
        settings.num_surface_points,
        rng=surface,
        hidden=settings.hidden_surface,
    )
    if layout.wants_colored_cloud:
        inner["cloud"] = colored_cloud(mesh, shown)
    data = ObjectData(
        placed=placed,
        images=images,
        metadata=metadata,
        extrinsics=extrinsics,
        intrinsics=intrinsics,
        surface=SurfacePoints(shown, normals, loc, placed.scale),
        grid_scale=grid_scale,
        closed=solid is not mesh,
        limited=_limited(mesh, sample_id, settings, grid_scale),
        **inner,
    )
    if settings.parts != "none":
        data.part_maps = render_parts(
            mesh,
            label_faces(mesh, settings.parts),
            extrinsics,
            intrinsics,
            data.masks,
            supersample=settings.supersample,
        )
    return data


def _draw_views(cameras: str, num_views: int, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of an object's cameras; their length says whose they are."""
    if cameras == "nmr":
        return nmr_view_angles(num_views).numpy()
    draw = sample_drc_views if cameras == "drc" else sample_choy_metadata
    return draw(num_views, rng)


def _render(
    mesh: MeshData,
    metadata: np.ndarray,
    side: int,
    supersample: int,
    grid_scale: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images, extrinsics and intrinsics of rows (V, 5), (V, 4) or (V, 3)."""
    camera = {3: nmr_camera, 4: drc_camera, 5: choy_camera}[metadata.shape[1]]
    extrinsics, intrinsics = camera(torch.from_numpy(metadata), height=side, width=side)
    lower_corner = torch.full((3,), -grid_scale / 2, dtype=torch.float64)
    extrinsics = to_object_frame(extrinsics, lower_corner, grid_scale)
    renderer = ColorRenderer(side, side, supersample=supersample)
    images = renderer.render(mesh, extrinsics, intrinsics)
    return np.asarray(images), extrinsics.numpy(), intrinsics.numpy()


def _limited(
    mesh: MeshData, sample_id: str, settings: BuildSettings, grid_scale: float
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return an image and its camera for each limit of the yaw."""
    found = {}
    side = settings.limited_resolution
    for yaw in settings.yaw_ranges:
        rng = stable_rng(settings.seed, sample_id, "limited yaw", yaw)
        row = sample_limited_yaw(yaw, rng)
        rows = row[None, :5]
        images, _, _ = _render(mesh, rows, side, settings.supersample, grid_scale)
        found[yaw] = images[0], row
    return found


def _solid(mesh: MeshData, settings: BuildSettings) -> MeshData:
    """Return the mesh whose points are drawn."""
    if settings.watertight == "never" or (
        settings.watertight == "open" and is_watertight(mesh)
    ):
        return mesh
    return make_watertight(mesh, resolution=settings.watertight_resolution)
