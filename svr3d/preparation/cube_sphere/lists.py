# SPDX-License-Identifier: Apache-2.0
"""Which instances train, validate and test, and the 16 training sets of the study."""

from collections.abc import Iterable
from typing import Any

SPREADS = (1, 5, 10, 15, 20, 25, 30, 35)
PER_CLUSTER = 10
MIN_COUNT = 30
_REFERENCE = 1000  # instances of the published set, whose steps the spreads are


def split_instances(count: int) -> dict[str, list[int]]:
    """Split the instances by their number.

    Every fifth tests (200 of 1,000, as published), every tenth validates, the others
    train, so that all three cover the way from sphere to cube. The published numbers
    are in an archive alone; these are ours.

    Args:
        count: Instances of the set.
    """
    rules = {"train": (0, 1, 3, 5, 6, 8, 9), "val": (4,), "test": (2, 7)}
    return {
        split: [index for index in range(count) if index % 10 in rests]
        for split, rests in rules.items()
    }


def clusters(train: list[int], spread: int, *, count: int) -> list[int]:
    """Return the 20 instances of two clusters, in order.

    Each cluster is in the middle of one half of the training instances and has ten of
    them, ``spread`` places apart (fewer in proportion for sets of less than 1,000
    instances, at least one).

    Args:
        train: Numbers of the training instances.
        spread: Distance of neighbours in a cluster, in training instances of a set of
            1,000.
        count: Instances of the set.
    """
    step = max(1, spread * count // _REFERENCE)
    half = len(train) // 2
    extent = step * (PER_CLUSTER - 1) + 1
    start = (half - extent) // 2
    return [
        train[cluster * half + start + number * step]
        for cluster in (0, 1)
        for number in range(PER_CLUSTER)
    ]


def lists_of(count: int, folder: str) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of all lists by file name.

    In the image series the shapes have spread 1 and the images 1 to 35; in the shape
    series the images have spread 35 and the shapes 1 to 35. The first of the second is
    the last of the first.

    Args:
        count: Instances of the set.
        folder: Folder of the instances, relative to the set's.
    """
    splits = split_instances(count)
    found = {
        f"{split}_interp_{count}.json": _entries(zip(rows, rows, strict=True), **names)
        for split, rows in splits.items()
        for names in ({"folder": folder, "count": count},)
    }
    narrow, wide = (
        clusters(splits["train"], spread, count=count)
        for spread in (SPREADS[0], SPREADS[-1])
    )
    for spread in SPREADS:
        chosen = clusters(splits["train"], spread, count=count)
        for series, images, shapes in (
            ("image", chosen, narrow),
            ("shape", wide, chosen),
        ):
            name = f"cluster_{series}_aug_2by10_cltsize{spread:02d}.json"
            pairs = zip(images, shapes, strict=True)
            found[name] = _entries(pairs, folder=folder, count=count)
    return found


def instance_name(index: int) -> str:
    """Return the folder of an instance."""
    return f"instance_{index:03d}"


def _entries(
    pairs: Iterable[tuple[int, int]], *, folder: str, count: int
) -> list[dict[str, Any]]:
    """Return entries of pairs (instance of the image, instance of the shape)."""
    return [
        {
            "isometric_path": f"{folder}/{instance_name(image)}/Isometric.png",
            "ptcloud_path": f"{folder}/{instance_name(shape)}/pt_30000.npy",
            "model_path": f"{folder}/{instance_name(shape)}/model.obj",
            "dir_path": f"{folder}/{instance_name(shape)}",
            "shapekey_value": shape / count,
        }
        for image, shape in pairs
    ]
