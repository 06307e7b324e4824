# SPDX-License-Identifier: Apache-2.0
"""The shapes and views of a config's splits, as recognition baselines read them."""

import copy
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from svr3d.analysis.image_features import view_features
from svr3d.errors import ConfigError


@dataclass
class Split:
    """The shapes of one split, and where needed their views.

    Attributes:
        shapes: (N, R, R, R) uint8 voxels, or N clouds (M_i, 3).
        categories: N positions in ``metainfo['categories']``.
        sample_ids: N identifiers.
        features: (N, V, F), or None.
    """

    shapes: Tensor | list[Tensor]
    categories: list[int]
    sample_ids: list[str]
    features: Tensor | None = None


def read_voxels(dataset: Any, *, with_features: bool) -> Split:
    """Read the voxels of a data set, and the features of their views.

    Args:
        dataset: A data set of this package.
        with_features: Whether to read images too.
    """

    def read(index: int) -> tuple[Tensor, Tensor | None]:
        if not with_features:
            return torch.as_tensor(dataset.read_voxels(index)), None
        sample = dataset[index]
        return sample["voxels"], _features(sample)

    volumes, features = _read_all(read, len(dataset))
    return Split(
        torch.stack(volumes).to(torch.uint8),
        list(dataset.category_ids),
        list(dataset.sample_ids),
        torch.stack(features) if with_features else None,
    )


def read_clouds(dataset: Any, *, setting: str = "dataset") -> Split:
    """Read the surface points of a data set, and the features of the views.

    Args:
        dataset: A data set whose samples hold ``surface_points`` and ``images``.
        setting: What a message calls the data set.

    Raises:
        ConfigError: If a sample lacks them.
    """

    def read(index: int) -> tuple[Tensor, Tensor]:
        sample = dataset[index]
        for key in ("surface_points", "images"):
            if key not in sample:
                raise ConfigError(
                    f"{setting}: expected samples with {key!r} for PointDistances, "
                    f"found a sample of {', '.join(sample)}"
                )
        return torch.as_tensor(sample["surface_points"]).float(), _features(sample)

    clouds, features = _read_all(read, len(dataset))
    return Split(
        clouds,
        list(dataset.category_ids),
        list(dataset.sample_ids),
        torch.stack(features),
    )


def first_image(dataset: Any) -> Callable[[int], Tensor]:
    """Return what reads the first image (3, H, W) of a sample."""
    return lambda index: torch.as_tensor(dataset[index]["images"])[0].float()


def take_views(dataset: Any, wanted: int) -> int:
    """Let a data set return the first ``wanted`` or all views; return how many.

    Data sets of another rule, one view per sample, keep theirs.
    """
    if not hasattr(dataset, "view_selection"):
        return int(dataset.metainfo.get("num_views", 1))
    if dataset.view_selection == "random":
        dataset.view_selection = "first"
        wanted = wanted or min(map(dataset.count_views, range(len(dataset))))
    dataset.num_views = wanted or dataset.num_views
    return dataset.num_views


def dataset_cfg(cfg: Config, name: str) -> dict[str, Any]:
    """Return a copy of a data loader's data set.

    Raises:
        ConfigError: If the config has none.
    """
    loader = cfg.get(f"{name}_dataloader")
    if not loader or "dataset" not in loader:
        raise ConfigError(f"{name}_dataloader.dataset: expected a data set, found none")
    return copy.deepcopy(loader["dataset"])


def _features(sample: dict[str, Any]) -> Tensor:
    images, masks = torch.as_tensor(sample["images"]), sample.get("masks")
    return view_features(images, None if masks is None else torch.as_tensor(masks))


def _read_all(read, count: int) -> tuple[list, list]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        items = list(pool.map(read, range(count)))
    return [shape for shape, _ in items], [features for _, features in items]
