# SPDX-License-Identifier: Apache-2.0
"""The layout of DRC's renderings: images, masks, poses, clouds, lists of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from svr3d.io.cameras import read_rendering_metadata, write_rendering_metadata
from svr3d.io.image_lists import write_image_list
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.preparation.layouts.base import Layout
from svr3d.preparation.png import write_png
from svr3d.preparation.seeding import stable_seed

if TYPE_CHECKING:
    from svr3d.preparation.object_data import ObjectData

RENDERINGS = "ShapeNet_rendered"
CLOUDS = "ShapeNet_v1"
LISTS = "splits"
CLOUD = "pcl_1024_fps_trimesh.npy"
COLORED_CLOUD = "pcl_1024_fps_trimesh_colors.npy"


class DRCLayout(Layout):
    """Images with masks and poses, and clouds of 1,024 far points with colours.

    ``ShapeNet_rendered/<category>/<model>/`` holds ``render_<k>.png`` (RGBA, black
    where there is nothing), ``mask_<k>.png`` and ``view.txt`` with azimuth, elevation,
    0 and 2 per line, and ``parts_<k>.png`` where there are maps of parts;
    ``ShapeNet_v1`` the clouds, in units of the bounding box's
    diagonal; ``splits/images_list_<category>[_<split>].npy`` names one view of each
    model. Source: shubhtuls/drc ``preprocess``, klnavaneet/ssl_3d_recon.
    """

    name = "drc"
    wants_solids = False
    wants_colored_cloud = True
    cameras = "drc"

    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return the object's folders of renderings and of clouds."""
        return [Path(name, category, model) for name in (RENDERINGS, CLOUDS)]

    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write images, masks, poses and clouds of one object."""
        images, clouds = (root / path for path in self.object_paths(category, model))
        for folder in (images, clouds):
            folder.mkdir(parents=True, exist_ok=True)
        for view, image in enumerate(data.images):
            shown = image * (image[..., 3:] > 0)
            write_png(images / f"render_{view}.png", shown)
            _write_gray(images / f"mask_{view}.png", data.masks[view] * np.uint8(255))
            if data.part_maps is not None:
                _write_gray(images / f"parts_{view}.png", data.part_maps[view])
        write_rendering_metadata(images / "view.txt", data.metadata)
        points, colors = data.cloud
        points = points.astype(np.float64) * data.grid_scale
        np.save(clouds / CLOUD, points)
        np.save(clouds / COLORED_CLOUD, np.hstack([points, colors]))

    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return the lists of all categories that are there."""
        names = [f"images_list_*_{split}{suffix}.npy" for split in SPLITS]
        return sorted(path for name in names for path in (root / LISTS).glob(name))

    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Write the lists of each category, one view of each model drawn once."""
        old = set(self.split_files(root, suffix=suffix))
        old |= set((root / LISTS).glob("images_list_*.npy")) if not suffix else set()
        (root / LISTS).mkdir(exist_ok=True)
        for category in splits:
            name, every = category.taxonomy_id, []
            for split in SPLITS:
                images = [(m, _view(root, name, m)) for m in category.of(split)]
                every += images
                path = root / LISTS / f"images_list_{name}_{split}{suffix}.npy"
                write_image_list(path, images)
                old.discard(path)
            if not suffix:
                path = root / LISTS / f"images_list_{name}.npy"
                write_image_list(path, sorted(every))
                old.discard(path)
        for path in old:  # of categories without objects
            path.unlink()


def _view(root: Path, category: str, model: str) -> int:
    """Return the listed view of a model, which depends on its name alone."""
    rows = read_rendering_metadata(
        root / RENDERINGS / category / model / "view.txt", columns=(4,)
    )
    return stable_seed("listed view", category, model) % len(rows)


def _write_gray(path: Path, values: np.ndarray) -> None:
    """Write numbers (H, W) uint8."""
    _, content = cv2.imencode(".png", values)
    path.write_bytes(content.tobytes())
