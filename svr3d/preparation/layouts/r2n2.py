# SPDX-License-Identifier: Apache-2.0
"""The layout of 3D-R2N2's ShapeNet renderings and voxels, with points beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_cameras, write_rendering_metadata
from svr3d.io.points import write_pointcloud, write_points
from svr3d.io.splits import CategorySplit, write_taxonomy
from svr3d.preparation.layouts.base import Layout
from svr3d.preparation.png import write_png

if TYPE_CHECKING:
    from svr3d.preparation.object_data import ObjectData

RENDERINGS = "ShapeNetRendering"
VOXELS = "ShapeNetVox{resolution}"
POINTS = "ShapeNetPoints"
SPLIT_FILE = "ShapeNet{suffix}.json"


class R2N2Layout(Layout):
    """Renderings, voxels and points in three trees ``<category>/<model>``.

    ``ShapeNetRendering/../rendering/`` holds ``NN.png``, ``rendering_metadata.txt``
    and ``renderings.txt`` as published, and ``cameras.npz`` with the same cameras in
    the object frame. ``ShapeNetVox32`` (or the side
    of other grids) holds ``model.binvox``, whose header places
    the grid in the frame of the metadata (bounding box of diagonal 1).
    ``ShapeNetPoints`` holds ``points.npz`` and ``pointcloud.npz``. Lists are in
    ``ShapeNet.json``. Source: chrischoy/3D-R2N2, hzxie/Pix2Vox.
    """

    name = "r2n2"

    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return the object's folder in each of the three trees."""
        voxels = VOXELS.format(resolution=self.voxel_resolution)
        return [Path(tree, category, model) for tree in (RENDERINGS, voxels, POINTS)]

    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write images, cameras, voxels and points of one object."""
        renderings, voxels, points = (
            root / folder for folder in self.object_paths(category, model)
        )
        renderings = renderings / "rendering"
        for folder in (renderings, voxels, points):
            folder.mkdir(parents=True, exist_ok=True)
        names = [f"{index:02d}.png" for index in range(len(data.images))]
        for name, image in zip(names, data.images, strict=True):
            write_png(renderings / name, image)
        (renderings / "renderings.txt").write_text("\n".join(names) + "\n")
        write_rendering_metadata(renderings / "rendering_metadata.txt", data.metadata)
        write_cameras(renderings / "cameras.npz", data.extrinsics, data.intrinsics)
        corner = -data.grid_scale / 2
        write_binvox(
            voxels / "model.binvox",
            data.voxels,
            translate=(corner, corner, corner),
            scale=data.grid_scale,
        )
        write_points(
            points / "points.npz", data.points, half=self.float16, packed=self.packbits
        )
        write_pointcloud(points / "pointcloud.npz", data.surface, half=self.float16)

    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return the path of ``ShapeNet<suffix>.json``."""
        return [root / SPLIT_FILE.format(suffix=suffix)]

    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Write ``ShapeNet<suffix>.json``."""
        for path in self.split_files(root, suffix=suffix):
            write_taxonomy(path, splits)
