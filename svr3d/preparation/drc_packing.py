# SPDX-License-Identifier: Apache-2.0
"""Record files of a data set in DRC's layout, as the published programs read them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from svr3d.datasets.drc_files import DRCFolders, DRCKey, pose_of
from svr3d.datasets.drc_records import DRCRecords
from svr3d.errors import ConfigError, DataError
from svr3d.io.image_lists import split_image_name
from svr3d.io.images import check_image_file
from svr3d.io.record_files import write_records
from svr3d.io.splits import SPLITS

NEIGHBORS = 5  # of which the published writer draws


@dataclass
class PackReport:
    """What was written.

    Attributes:
        out: Folder of the files.
        counts: Number of records by name of the file.
    """

    out: Path
    counts: dict[str, int] = field(default_factory=dict)


def pack_drc(
    root: str | Path,
    out: str | Path | None = None,
    *,
    categories: Sequence[str] | None = None,
    neighbors: int = NEIGHBORS,
    overwrite: bool = False,
) -> PackReport:
    """Write record files of images, masks, and what else there is of all of them.

    Poses and coloured clouds are written where the first object of a list has them;
    pairs of neighbours where a category has its list. Images keep their bytes. Each
    training image is paired with each of its nearest, the nearest of all images first;
    the published writer draws six pairs of each image, so that some come twice.

    Args:
        root: Folder of the data set.
        out: Folder of the files; ``<root>/tfrecords`` if None.
        categories: Folders of the categories; all if None.
        neighbors: Pairs of each image; 0 writes none.
        overwrite: Replace files that are there.

    Returns:
        The number of records of each file.

    Raises:
        ConfigError: If a category is unknown, or a file is there.
        DataError: If there are no lists, or a file of a listed image is missing or
            broken.
    """
    files = DRCFolders(Path(root))
    known = list(files.categories())
    if not known:
        raise DataError(
            f"{files.root / files.split_folder}: expected lists, found none"
        )
    wrong = sorted(set(categories or ()) - set(known))
    if wrong:
        raise ConfigError(
            f"categories: expected some of {', '.join(known)}, found {', '.join(wrong)}"
        )
    report = PackReport(Path(out or files.root / DRCRecords.record_folder))
    report.out.mkdir(parents=True, exist_ok=True)
    for category in categories or known:
        for split in SPLITS:
            keys = [
                DRCKey(category, model, 0, view)
                for model, view in files.images(category, split)
            ]
            if not keys:
                continue
            for kind, records in _kinds(files, keys, split, neighbors).items():
                path = report.out / f"{category}_{split}_{kind}.tfrecords"
                if path.exists() and not overwrite:
                    raise ConfigError(f"{path}: exists; give --overwrite to replace it")
                report.counts[path.name] = write_records(path, records())
    return report


def _kinds(
    files: DRCFolders, keys: list[DRCKey], split: str, neighbors: int
) -> dict[str, Callable[[], Iterator[dict[str, bytes]]]]:
    """Return what makes the records of each file that a list of images has."""

    def pictures(kind: str):
        name = "render" if kind == "image" else kind
        for key in keys:
            yield {
                "filename": key.image_name.encode(),
                "image": _content(files.render_path(key, key.view, name)),
            }

    def pairs(kind: str):
        name = "render" if kind == "image" else kind
        for rank in range(neighbors):
            for key in keys:
                near = files.neighbors(key)
                if rank >= len(near):
                    continue
                model, view = split_image_name(near[rank], source=key.image_name)
                other = key._replace(model=model, view=view)
                yield {
                    "filename": key.image_name.encode(),
                    "image": _content(files.render_path(key, key.view, name)),
                    "filename_2": near[rank].encode(),
                    "image_2": _content(files.render_path(other, view, name)),
                }

    def poses():
        for key in keys:
            source = f"view.txt of {key.sample_id}"
            pose = pose_of(files.poses(key), key.view, source)
            name = key.image_name.encode()
            yield {"filename": name, "pose": pose.astype("<f8").tobytes()}

    def clouds():
        for key in keys:
            cloud = np.asarray(files.cloud(key, colors=True), "<f8")
            yield {"filename": key.model.encode(), "pcl": cloud.tobytes()}

    first, category = keys[0], keys[0].taxonomy_id
    found = {"image": lambda: pictures("image"), "mask": lambda: pictures("mask")}
    if Path(files.render_path(first, 0)).with_name("view.txt").exists():
        found["pose"] = poses
    if Path(files.cloud_path(first, colors=True)).exists():
        found["pcl_color"] = clouds
    lists = files.root / files.neighbor_file.format(category=category)
    if neighbors and split == "train" and lists.exists():
        found["image_similar_2img"] = lambda: pairs("image")
        found["mask_similar_2img"] = lambda: pairs("mask")
    return found


def _content(path: str) -> bytes:
    """Return the bytes of an image that can be read."""
    problem = check_image_file(path)
    if problem:
        raise DataError(f"{path}: {problem}")
    return Path(path).read_bytes()
