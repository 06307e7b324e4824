# SPDX-License-Identifier: Apache-2.0
"""The layout of Occupancy Networks' data: one folder of each object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_cameras
from svr3d.io.occnet_lists import write_category_names, write_model_list
from svr3d.io.points import write_pointcloud, write_points
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.preparation.layouts.base import Layout

if TYPE_CHECKING:
    from svr3d.preparation.object_data import ObjectData

IMAGES = "img_choy2016"
_JPEG_QUALITY = 95


class OccNetLayout(Layout):
    """All files of an object in ``<category>/<model>``.

    ``img_choy2016/000.jpg`` and so on are the views on white, ``cameras.npz`` beside
    them has their cameras in the frame of the mesh file (y up), which ``loc`` and
    ``scale`` of ``points.npz`` and ``pointcloud.npz`` relate to the object frame:
    x_file = scale * x + loc. ``model.binvox`` holds the grid; its header places it in
    that frame, too. Lists are ``<category>/{train,val,test}.lst``, names in
    ``metadata.yaml``. Source: autonomousvision/occupancy_networks.
    """

    name = "occnet"

    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return the object's folder."""
        return [Path(category, model)]

    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write images, cameras, voxels and points of one object."""
        folder = root / category / model
        images = folder / IMAGES
        images.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(data.images):
            _write_jpeg(images / f"{index:03d}.jpg", image)
        loc, scale = data.points.loc, data.points.scale
        write_cameras(
            images / "cameras.npz",
            _to_mesh_frame(data.extrinsics, loc, scale),
            data.intrinsics,
        )
        write_binvox(
            folder / "model.binvox",
            data.voxels,
            translate=tuple(loc - scale / 2),
            scale=scale,
        )
        write_points(
            folder / "points.npz", data.points, half=self.float16, packed=self.packbits
        )
        write_pointcloud(folder / "pointcloud.npz", data.surface, half=self.float16)

    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return the lists of all categories that are there."""
        return sorted(
            path for split in SPLITS for path in root.glob(f"*/{split}{suffix}.lst")
        )

    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Write the lists of each category and ``metadata.yaml``."""
        old = set(self.split_files(root, suffix=suffix))
        for category in splits:
            for split in SPLITS:
                path = root / category.taxonomy_id / f"{split}{suffix}.lst"
                write_model_list(path, category.of(split))
                old.discard(path)
        for path in old:  # of categories without objects
            path.unlink()
        names = {category.taxonomy_id: category.name for category in splits}
        write_category_names(root, names)


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write an image (H, W, 4) RGBA, blended with white."""
    alpha = image[..., 3:] / np.float32(255)
    colors = 255 + alpha * (image[..., 2::-1] - np.float32(255))
    _, content = cv2.imencode(
        ".jpg",
        np.rint(colors).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY],
    )
    path.write_bytes(content.tobytes())


def _to_mesh_frame(extrinsics: np.ndarray, loc: np.ndarray, scale: float) -> np.ndarray:
    """Return cameras (V, 3, 4) of the object frame in that of the mesh file.

    x_cam = R x + t with x = (x_file - loc) / scale; depths become lengths of the file.
    """
    rotation, translation = extrinsics[..., :3], extrinsics[..., 3]
    moved = scale * translation - rotation @ loc
    return np.concatenate([rotation, moved[..., None]], axis=-1)
