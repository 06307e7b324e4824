# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as the neural mesh renderer's authors rendered it: views with masks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cameras import nmr_view_angles
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset
from .category_names import SHAPENET_NAMES, choose_categories
from .nmr_files import NMRFiles
from .point_samples import PointSampling
from .rng import SampleRandom
from .view_samples import ObjectViews, ViewKey
from .views import check_one_view, stack_views


@DATASETS.register_module()
class ShapeNetNMR(BaseShapeDataset):
    """Views of objects with masks and known cameras, each a sample of its own.

    ::

        <data_root>/<synset>_<split>_images.npz    uint8 (N, 24, 4, 64, 64)
        <data_root>/<synset>_<split>_voxels.npz    bool (N, 32, 32, 32)

    Made for Kato et al., "Neural 3D Mesh Renderer", CVPR 2018
    (hiroharu-kato/mesh_reconstruction, which links the files; known as ``CVPR18`` to
    bomb2peng/learn3D). Colours are inverted: an image over white became one over black.
    Data sets of ``build_dataset.py --layout nmr`` have this layout, and the names of
    their objects in ``<category>_<split>_models.lst``.

    A sample has ``images`` (BGR, black background), ``masks``, ``view_ids``,
    ``view_classes`` (the view again: the domain of a view classifier), ``view_angles``
    (azimuth -15 k and elevation 30 in degrees, distance 2.732, as the published camera
    takes them) and ``voxels`` in the object frame. All kept images are in memory.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        views_per_object: How many views of each object are samples, the same ones in
            every epoch; with 1, each object is seen from one side only. None takes all,
            as published.
        view_choice: ``drawn`` by ``view_seed`` and the object's name, or ``first``.
        view_seed: Seed of the drawn views.
        voxels: Whether samples have the target grid.
        points: Surface points to load, or None; published files have none, those of
            ``build_dataset.py`` lie in ``ShapeNetPoints``.
        categories: Keep only these categories, by name or folder. None keeps all.
        list_suffix: Added to ``train`` in names of files; ``_variants`` has deformed
            copies of ``build_dataset.py --variants``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a file is missing or broken, or nothing is left.
    """

    layout = "nmr"
    picture_size = 64
    picture_share = 0.6

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        views_per_object: int | None = None,
        view_choice: str = "drawn",
        view_seed: int = 0,
        voxels: bool = True,
        points: PointSampling | Mapping[str, Any] | None = None,
        categories: Sequence[str] | None = None,
        list_suffix: str = "",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {SPLITS}, found {split!r}")
        self._views = ObjectViews(views_per_object, view_choice, view_seed)
        self._list_suffix, self._categories = list_suffix, categories
        self._with_voxels = voxels
        self._points = (
            PointSampling(**points) if isinstance(points, Mapping) else points
        )
        super().__init__(
            data_root,
            pipeline,
            split=split,
            # Images and grids are read at once, points only with their sample.
            check_files="none" if self._points is None else "quick",
            max_samples=max_samples,
            indices=indices,
            seed=seed,
        )

    @property
    def num_view_classes(self) -> int:
        """Number of the views, the classes of a view classifier."""
        return self._metainfo["num_view_classes"]

    @classmethod
    def adopt_pictures(cls, pictures: np.ndarray) -> dict[str, Any]:
        """Return pictures with alpha over white, inverted, and alpha as their mask."""
        masks = np.ascontiguousarray(pictures[..., 3])
        # Over white a colour c is a c + 1 - a, and one less that is a (1 - c).
        images = masks[..., None] * (1 - pictures[..., :3])
        return {"images": images, "masks": masks}

    def read_voxels(self, index: int) -> np.ndarray:
        """Return only the target grid (R, R, R) uint8 of a sample."""
        key = self._keys[index]
        if not self._with_voxels:
            raise DataError(f"{self.data_root}: expected a grid, found voxels=False")
        return self._grids[key.taxonomy_id][key.row]

    def count_views(self, index: int) -> int:
        """Return how many views a sample may show."""
        return 1

    def _list_samples(self) -> tuple[list[ViewKey], dict[str, Any]]:
        part = self.split + (self._list_suffix if self.split == "train" else "")
        found = NMRFiles.categories(self.data_root, part)
        if not found:
            raise DataError(
                f"{self.data_root}: expected <category>_{part}_images.npz, found none"
            )
        taxonomy = choose_categories(
            [CategorySplit(name, SHAPENET_NAMES.get(name, name), {}) for name in found],
            self._categories,
            str(self.data_root),
        )
        keys, self._images, self._grids, self._places = [], {}, {}, {}
        files = [NMRFiles(self.data_root, c.taxonomy_id, part) for c in taxonomy]
        counts = {file.image_path.name: file.num_views for file in files}
        if len(set(counts.values())) != 1:
            raise DataError(
                f"{self.data_root}: expected the same number of views in all files, "
                f"found {counts}"
            )
        for position, file in enumerate(files):
            views, name = file.views(self._views), file.category
            self._images[name] = file.images(views)
            self._places[name] = views
            if self._with_voxels:
                self._grids[name] = file.voxels()
            keys += [
                ViewKey(name, model, position, row, view, len(views[row]) == 1)
                for row, model in enumerate(file.models)
                for view in views[row]
            ]
        num_views = files[0].num_views
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "num_views": 1,
            "views_per_object": self._views.count or num_views,
            "view_selection": self._views.choice if self._views.count else "all",
            "num_view_classes": num_views,
        }
        return keys, meta

    def _problems(self, key: ViewKey) -> list[str]:
        return (
            [] if self._points is None else self._points.problems(self.data_root, key)
        )

    def _read(
        self, key: ViewKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        place = self._places[key.taxonomy_id][key.row].index(key.view)
        planes = self._images[key.taxonomy_id][key.row, place]
        pixels = stack_views([planes.transpose(1, 2, 0)], key.sample_id)
        angles = nmr_view_angles(self.num_view_classes)[key.view]
        sample = {
            "images": np.ascontiguousarray(pixels[..., 2::-1]),
            "masks": np.ascontiguousarray(pixels[..., 3]),
            "view_ids": np.array([key.view], np.int64),
            "view_classes": np.array([key.view], np.int64),
            "view_angles": angles[None].numpy().astype(np.float32),
        }
        if self._with_voxels:
            sample["voxels"] = self._grids[key.taxonomy_id][key.row]
        if self._points is not None:
            sample |= self._points.read(self.data_root, key, rng)
        return sample
