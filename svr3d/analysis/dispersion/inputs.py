# SPDX-License-Identifier: Apache-2.0
"""Images, shapes and predictions of a data set, as arrays that distances are for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from svr3d.errors import DataError
from svr3d.metrics.predicted_points import predicted_points
from svr3d.structures import Mesh, PointCloud, Structure, Voxels

NUM_POINTS = 2500
# What predictions may need of a sample; targets, which differ in size, are left out.
_MODEL_KEYS = ("images", "masks", "input_points", "voxels", "category", "sample_id")
_CHUNK = 32


@dataclass(frozen=True)
class Clouds:
    """One cloud of each sample.

    Attributes:
        points: (N, P, 3) float32.
        empty: How many predictions had no surface; all their points are the origin.
        rotated_back: Whether viewer-centred predictions were turned into the object's
            frame.
    """

    points: np.ndarray
    empty: int = 0
    rotated_back: bool = False


def choose_samples(size: int, wanted: int | None, *, seed: int = 0) -> list[int]:
    """Draw samples without replacement; all of them if ``wanted`` is None or more.

    Returns:
        Positions in rising order.
    """
    if wanted is None or wanted >= size:
        return list(range(size))
    if wanted < 1:
        raise ValueError(f"samples: expected at least 1, found {wanted}")
    return sorted(random.Random(seed).sample(range(size), wanted))


def read_samples(dataset: Any, indices: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Read samples in order, by several threads, a few at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(indices), _CHUNK):
            yield from pool.map(dataset.__getitem__, indices[start : start + _CHUNK])


def target_clouds(
    samples: Iterable[dict[str, Any]], *, num_points: int = NUM_POINTS, seed: int = 0
) -> Clouds:
    """Take the true shapes of samples.

    Args:
        samples: With ``surface_points`` (N, 3), else ``voxels``, whose smooth surface
            is sampled.
        num_points: Points of each cloud; those of a larger set are drawn.
        seed: Of the draws.

    Raises:
        DataError: If a sample has neither.
    """
    clouds = []
    for sample in samples:
        if "surface_points" in sample:
            shape: Structure = PointCloud(
                [torch.as_tensor(sample["surface_points"]).float()]
            )
        elif "voxels" in sample:
            shape = Voxels(torch.as_tensor(sample["voxels"])[None].float(), 0.5)
        else:
            raise DataError(
                f"{sample.get('sample_id', 'sample')}: expected surface_points or "
                f"voxels, found {', '.join(sample)}"
            )
        clouds += shape_points(shape, num_points, surface=True, seed=seed)
    return _stack(clouds, num_points, seed)


@torch.no_grad()
def predicted_clouds(
    model: nn.Module,
    samples: Iterable[dict[str, Any]],
    *,
    num_points: int = NUM_POINTS,
    surface: bool = False,
    rotate_back: bool = True,
    threshold: float | None = None,
    batch_size: int = _CHUNK,
    seed: int = 0,
) -> Clouds:
    """Reconstruct samples with any method and take points of what it predicts.

    Args:
        model: A reconstructor in evaluation mode, on its device.
        samples: What its data set returns.
        num_points: Points sampled on surfaces.
        surface: Whether points are sampled on meshes too. As published, the
            vertices of a mesh are the predicted points.
        rotate_back: Whether predictions of samples with a ``camera_rotation``
            (viewer-centred) are turned back into the object's frame.
        threshold: Level of the surface of grids and fields; None takes their own.
        batch_size: Samples per forward pass.
        seed: Of the points.
    """
    keys = {*_MODEL_KEYS, getattr(model, "input_key", "images")}
    clouds, turned = [], False
    for batch in batches(samples, batch_size):
        inputs = default_collate(
            [{key: sample[key] for key in keys if key in sample} for sample in batch]
        )
        shapes = model.test_step(inputs).cpu()
        if threshold is not None and hasattr(shapes, "threshold"):
            shapes.threshold = threshold
        found = shape_points(shapes, num_points, surface=surface, seed=seed)
        for sample, points in zip(batch, found, strict=True):
            if rotate_back and "camera_rotation" in sample:
                # Seen by the viewer p is R p; a row times R is R^-1 times the column.
                points = points @ torch.as_tensor(sample["camera_rotation"]).to(points)
                turned = True
            clouds.append(points)
    empty = sum(len(cloud) == 0 for cloud in clouds)
    filled = _stack(clouds, num_points, seed)
    return Clouds(filled.points, empty=empty, rotated_back=turned)


def shape_points(
    shapes: Structure, num_points: int, *, surface: bool = False, seed: int = 0
) -> list[Tensor]:
    """Return points of each shape, float32 (P, 3); none for an empty one.

    All shapes have the same random numbers, so that equal shapes are 0 apart.

    Args:
        shapes: A batch.
        num_points: Points sampled on a surface, or drawn of a larger cloud.
        surface: Whether to sample points on meshes, and to draw them of clouds; else
            all vertices and points stand.
        seed: Of the draws.
    """
    source = "vertices" if isinstance(shapes, Mesh) and not surface else "surface"
    names = [""] * len(shapes)
    found = predicted_points(
        list(shapes),
        names,
        points=source,
        num_points=num_points,
        seed=seed,
        normals=False,
    )
    clouds = [points.cpu() for points, _ in found]
    if surface and isinstance(shapes, PointCloud):
        clouds = [
            _draw(cloud, num_points, seed) if len(cloud) > num_points else cloud
            for cloud in clouds
        ]
    return clouds


def image_views(
    samples: Iterable[dict[str, Any]],
    note: Callable[[int, int], None] = lambda sample, view: None,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Return each view of each sample, with its mask if the samples have masks.

    Args:
        samples: With ``images`` (V, 3, H, W).
        note: Told the position of the sample and of the view of each.

    Raises:
        DataError: If a sample has no images.
    """
    for index, sample in enumerate(samples):
        if "images" not in sample:
            raise DataError(
                f"{sample.get('sample_id', 'sample')}: expected images, found "
                f"{', '.join(sample)}"
            )
        masks = sample.get("masks")
        for view, image in enumerate(torch.as_tensor(sample["images"])):
            note(index, view)
            yield image, None if masks is None else torch.as_tensor(masks[view])


def batches(samples: Iterable[dict], size: int) -> Iterator[list[dict]]:
    """Return samples in lists of ``size``, the last of which may be shorter."""
    batch = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _stack(clouds: Sequence[Tensor], num_points: int, seed: int) -> Clouds:
    """Join clouds; where their sizes differ, each becomes ``num_points`` of its own."""
    if not clouds:
        raise DataError("shapes: expected at least one sample, found none")
    sizes = {len(cloud) for cloud in clouds}
    if len(sizes) > 1 or 0 in sizes:
        clouds = [
            _draw(cloud, num_points, seed) if len(cloud) else torch.zeros(num_points, 3)
            for cloud in clouds
        ]
    return Clouds(torch.stack(list(clouds)).numpy())


def _draw(cloud: Tensor, num_points: int, seed: int) -> Tensor:
    return PointCloud([cloud]).to_points(num_points, seed=seed).points[0]
