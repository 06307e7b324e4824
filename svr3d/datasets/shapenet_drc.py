# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as DRC rendered it: single images with masks, poses and clouds beside."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.pose_camera import to_pose_axes
from svr3d.io.points import cloud_problem
from svr3d.io.splits import SPLITS, CategorySplit
from svr3d.registry import DATASETS

from .base import BaseShapeDataset
from .category_names import choose_categories
from .cloud_sampling import CloudSampling
from .drc_files import DRCFolders, DRCKey, pose_of
from .drc_records import DRCRecords
from .rng import SampleRandom
from .views import check_one_view, stack_views

_CHOICES = {
    "split": SPLITS,
    "source": ("folders", "records"),
    "view": ("listed", "random"),
    "coordinates": ("object", "pose"),
}


@DATASETS.register_module()
class ShapeNetDRC(BaseShapeDataset):
    """One image of each object with its mask; pose and cloud for evaluation.

    ::

        <data_root>/ShapeNet_rendered/<synset>/<model>/render_0.png ... render_9.png,
            mask_0.png ..., view.txt
        <data_root>/ShapeNet_v1/<synset>/<model>/pcl_1024_fps_trimesh.npy, .._colors.npy
        <data_root>/splits/images_list_<synset>_train.npy, _val, _test
        <data_root>/knn_list_<synset>.npy

    A list names one view of each model, which is all that training sees. Images are
    those of the rendering code of DRC (Tulsiani et al., CVPR 2017), lists and clouds of
    Navaneet et al., "From image collections to point clouds with self-supervised shape
    and pose networks", CVPR 2020 (klnavaneet/ssl_3d_recon). Data sets of
    ``build_dataset.py --layout drc`` have this layout.

    A sample has ``images``, ``masks``, ``poses`` (azimuth and elevation in radians, as
    :mod:`svr3d.geometry.pose_camera` takes them), ``surface_points``; with neighbours
    ``neighbor_images`` and ``neighbor_masks`` of one drawn neighbour; ``part_maps``.

    Differs from the published reader: files are matched by name, neighbours drawn per
    access by the sample's seed, epochs do not blend.

    Args:
        data_root: Folder of the data set; None takes the environment variable
            ``SVR3D_DATA``.
        pipeline: Transforms of one sample.
        split: ``train``, ``val`` or ``test``.
        source: ``folders``, or ``records`` for ``record_folder`` with the published
            record files.
        view: ``listed`` shows the view of the list; ``random`` draws any view of the
            model, as methods with poses may (folders only).
        poses: Whether samples have poses.
        points: How the cloud is placed and drawn; False leaves clouds out. By default
            all points as stored.
        colors: Whether samples have ``surface_colors`` (N, 3) in [0, 1], too; all
            points must be taken then.
        coordinates: ``object`` as stored, y up; ``pose`` in the axes that the true
            poses turn.
        parts: Whether samples have ``part_maps``, labels of each pixel with 0 outside.
        neighbors: From how many of the nearest images one is drawn; 0 for none. Images
            without neighbours are left out; their number is logged.
        categories: Keep only these categories, by name or folder. None keeps all.
        image_folder: Folder of the images.
        cloud_folder: Folder of the clouds.
        split_folder: Folder of the lists.
        list_suffix: Added to the names of training lists; ``_variants`` has deformed
            copies of ``build_dataset.py --variants``.
        neighbor_file: File of the neighbours, with ``{category}``.
        record_folder: Folder of the record files.
        skip_missing: Leave out samples with missing or broken files.
        check_files: ``quick``, ``full`` or ``none``; see ``BaseShapeDataset``.
        max_samples: Keep only so many samples, evenly spread over the list.
        indices: Keep only these positions of the list.
        seed: Seed of the draws of plain integer indices.

    Raises:
        ConfigError: If an option has an impossible value.
        DataError: If a file is missing or broken, or nothing is left.
    """

    layout = "drc"
    picture_size = 64

    def __init__(
        self,
        data_root: str | None = None,
        pipeline: Iterable[Mapping[str, Any] | Callable] = (),
        *,
        split: str = "train",
        source: str = "folders",
        view: str = "listed",
        poses: bool = True,
        points: CloudSampling | Mapping[str, Any] | bool = True,
        colors: bool = False,
        coordinates: str = "object",
        parts: bool = False,
        neighbors: int = 0,
        categories: Sequence[str] | None = None,
        image_folder: str = DRCFolders.image_folder,
        cloud_folder: str = DRCFolders.cloud_folder,
        split_folder: str = DRCFolders.split_folder,
        list_suffix: str = "",
        neighbor_file: str = DRCFolders.neighbor_file,
        record_folder: str = DRCRecords.record_folder,
        skip_missing: bool = False,
        check_files: str = "quick",
        max_samples: int | None = None,
        indices: Sequence[int] | None = None,
        seed: int = 0,
    ):
        for name, value in {
            "split": split,
            "source": source,
            "view": view,
            "coordinates": coordinates,
        }.items():
            if value not in _CHOICES[name]:
                raise ConfigError(
                    f"{name} must be one of {_CHOICES[name]}, found {value!r}"
                )
        if source == "records" and (view == "random" or parts):
            raise ConfigError(
                "view='random' and parts need source='folders': records hold one view "
                "and no parts"
            )
        if neighbors < 0:
            raise ConfigError(f"neighbors must be 0 or more, found {neighbors}")
        self._records = source == "records"
        self._folders = {
            "image_folder": image_folder,
            "cloud_folder": cloud_folder,
            "split_folder": split_folder,
            "list_suffix": list_suffix,
            "neighbor_file": neighbor_file,
        }
        self._record_folder = record_folder
        self._random_view = view == "random"
        self._with_poses, self._with_parts = poses, parts
        self._points = _sampling(points)
        if colors and (self._points is None or self._points.num_points is not None):
            raise ConfigError("colors need points with num_points=None")
        self._colors, self._coordinates = colors, coordinates
        self._neighbors = neighbors
        self._categories = categories
        super().__init__(
            data_root,
            pipeline,
            split=split,
            skip_missing=skip_missing,
            check_files=check_files,
            max_samples=max_samples,
            indices=indices,
            seed=seed,
        )

    @classmethod
    def adopt_pictures(cls, pictures: np.ndarray) -> dict[str, Any]:
        """Return pictures with alpha as the mask beside them."""
        return {
            "images": pictures,
            "masks": np.ascontiguousarray(pictures[..., 3]),
        }

    def read_voxels(self, index: int) -> np.ndarray:
        """Raise an error: this layout holds no grids."""
        raise DataError(f"{self.data_root}: expected a grid, found clouds and images")

    def count_views(self, index: int) -> int:
        """Return how many views a sample may show."""
        if not self._random_view:
            return 1
        return len(self._files.poses(self._keys[index]))

    @property
    def image_names(self) -> list[str]:
        """Names ``<model>_<view>`` of the listed images of all samples, by index."""
        return [key.image_name for key in self._keys]

    def _list_samples(self) -> tuple[list[DRCKey], dict[str, Any]]:
        if self._records:
            self._files = DRCRecords(self.data_root, self._record_folder, self.split)
        else:
            self._files = DRCFolders(self.data_root, **self._folders)
        taxonomy = [
            CategorySplit(folder, name, {})
            for folder, name in self._files.categories().items()
        ]
        if not taxonomy:
            wanted = "record files" if self._records else "lists of images"
            folder = self._record_folder if self._records else self._files.split_folder
            raise DataError(
                f"{self.data_root / folder}: expected {wanted} of split "
                f"{self.split!r}, found none"
            )
        taxonomy = choose_categories(taxonomy, self._categories, str(self.data_root))
        keys = [
            DRCKey(category.taxonomy_id, model, position, view)
            for position, category in enumerate(taxonomy)
            for model, view in self._files.images(category.taxonomy_id, self.split)
        ]
        lonely = []
        if self._neighbors:
            lonely = [k.sample_id for k in keys if not self._files.neighbors(k)]
            keys = [key for key in keys if self._files.neighbors(key)]
        if lonely:
            print_log(
                f"ShapeNetDRC: {self.data_root}: {len(lonely)} images of split "
                f"{self.split!r} have no row of neighbours and are left out",
                logger="current",
                level=logging.WARNING,
            )
        meta = {
            "categories": [category.name for category in taxonomy],
            "taxonomy_ids": [category.taxonomy_id for category in taxonomy],
            "num_views": 1,
            "view_selection": "random" if self._random_view else "listed",
            "coordinates": self._coordinates,
            "normalization": self._points.normalization if self._points else None,
            "neighbors": self._neighbors,
            "without_neighbors": lonely,
        }
        return keys, meta

    def _problems(self, key: DRCKey) -> list[str]:
        if self._records:
            return self._record_problems(key)
        files, problems, views = self._files, [], [key.view]
        if self._with_poses or self._random_view:
            try:
                poses = files.poses(key)
                pose_of(poses, key.view, f"view.txt of {key.sample_id}")
                views = range(len(poses)) if self._random_view else views
            except DataError as error:
                problems.append(str(error))
        for view in views:
            problems += self._image_problems(files.render_path(key, view))
            problems += self._image_problems(files.render_path(key, view, "mask"))
            if self._with_parts:
                problems += self._image_problems(files.part_path(key, view))
        if self._points is not None:
            path = files.cloud_path(key, colors=self._colors)
            problem = cloud_problem(path, columns=(6,) if self._colors else (3,))
            problems += [problem] if problem else []
        return problems

    def _record_problems(self, key: DRCKey) -> list[str]:
        kinds = {"image": "image", "mask": "image"}
        if self._with_poses:
            kinds["pose"] = "pose"
        if self._points is not None:
            kinds["pcl_color"] = "pcl"
        if self._neighbors:
            kinds |= {"image_similar_2img": "image_2", "mask_similar_2img": "image_2"}
        return self._files.problems(key, kinds, check=self._check_files == "full")

    def _read(
        self, key: DRCKey, rng: SampleRandom, num_views: int | None
    ) -> dict[str, Any]:
        check_one_view(num_views, type(self).__name__)
        files, view = self._files, key.view
        if self._random_view:
            view = int(rng.numpy.randint(len(files.poses(key))))
        sample = {
            "images": stack_views([files.image(key, view)], key.sample_id),
            "masks": stack_views([files.mask(key, view)], key.sample_id),
            "view_ids": np.array([view], np.int64),
        }
        if self._with_poses:
            pose = pose_of(files.poses(key), view, f"poses of {key.sample_id}")
            sample["poses"] = pose[None].astype(np.float32)
        if self._with_parts:
            sample["part_maps"] = files.part_map(key, view)[None].astype(np.int64)
        if self._points is not None:
            sample |= self._read_cloud(key, rng)
        if self._neighbors:
            count = min(self._neighbors, len(files.neighbors(key)))
            place = int(rng.numpy.randint(count))
            image, mask = files.neighbor(key, place)
            sample["neighbor_images"] = stack_views([image[..., :3]], key.sample_id)
            sample["neighbor_masks"] = stack_views([mask], key.sample_id)
        return sample

    def _read_cloud(self, key: DRCKey, rng: SampleRandom) -> dict[str, np.ndarray]:
        cloud = self._files.cloud(key, colors=self._colors)
        points = np.ascontiguousarray(cloud[:, :3])
        if self._coordinates == "pose":
            points = to_pose_axes(torch.from_numpy(points)).numpy()
        points = self._points.normalize(points)
        sample = self._points.draw(points, rng, source=key.sample_id)
        if self._colors:
            sample["surface_colors"] = cloud[:, 3:].astype(np.float32)
        return sample


def _sampling(points) -> CloudSampling | None:
    """Return how clouds are drawn, or None for no clouds."""
    if isinstance(points, CloudSampling) or points is False or points is None:
        return points or None
    settings = {"num_points": None, "normalization": "Identity"}
    return CloudSampling(**(settings | ({} if points is True else dict(points))))
