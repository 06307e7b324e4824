# SPDX-License-Identifier: Apache-2.0
"""All files of a data set of Occupancy Networks in one packed store."""

import os
import time
from pathlib import Path

import numpy as np

from svr3d.datasets.occnet_files import IMAGE_SUFFIXES, FolderFiles
from svr3d.errors import ConfigError, DataError
from svr3d.io.images import check_image_file
from svr3d.io.occnet_lists import METADATA_FILE
from svr3d.io.packed_store import PackedStoreWriter, StoreDraft
from svr3d.preparation.occnet_objects import (
    ConversionReport,
    list_names,
    listed_objects,
    open_tree,
    watch,
)


def pack_occnet(
    root: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: bool = False,
) -> ConversionReport:
    """Pack a data set into one file that ``OccNetDataset`` reads.

    Images and grids keep their bytes; arrays are stored uncompressed. The store has
    its name only once it is complete; a stopped run continues where it was.

    Args:
        root: Folder of the data set.
        out: The file, which ends in ``.lmdb``.
        overwrite: Replace a file that is there.
        progress: Show a progress bar on the standard error stream.

    Returns:
        Counts.

    Raises:
        ConfigError: If the file is there, its draft is of another data set, or the
            package lmdb is not installed.
        DataError: If a listed object is not complete and sound.
    """
    started = time.monotonic()
    out = Path(out)
    if out.exists() and not overwrite:
        raise ConfigError(f"{out}: exists; give --overwrite to replace it")
    files = open_tree(root)
    objects = listed_objects(files)
    report = ConversionReport(out)
    draft = StoreDraft(out, source=str(Path(root).resolve()))
    try:
        for sample_id in watch(objects, len(objects), progress, "packing"):
            with draft.transaction() as store:
                if f"{sample_id}/" in store:
                    report.kept += 1
                    continue
                _pack_object(files, sample_id, store)
                report.made += 1
        with draft.transaction() as store:
            _pack_lists(files, store)
    except BaseException:
        draft.close()
        raise
    draft.finish({"layout": "occnet", "objects": len(objects)})
    report.seconds = time.monotonic() - started
    return report


def _pack_lists(files: FolderFiles, store: PackedStoreWriter) -> None:
    """Store what belongs to the whole data set."""
    if files.exists(METADATA_FILE):
        store.write(METADATA_FILE, files.read_text(METADATA_FILE).encode())
    names = list_names(files)
    for category, lists in names.items():
        for name in lists:
            path = f"{category}/{name}"
            store.write(path, files.read_text(path).encode())
    store.write("/", "\n".join(names).encode())


def _pack_object(files: FolderFiles, sample_id: str, store: PackedStoreWriter) -> None:
    """Store the files of an object and of the folders in it; its list comes last."""
    names = sorted(files.list_files(sample_id))
    where = files.where(sample_id)
    inner = [name for name in names if os.path.isdir(f"{where}/{name}")]
    for folder in inner:
        _pack_files(files, f"{sample_id}/{folder}", store)
    _pack_files(files, sample_id, store, leave_out=inner)


def _pack_files(files, folder, store, *, leave_out=()):
    names = sorted(set(files.list_files(folder)) - set(leave_out))
    for name in names:
        path = f"{folder}/{name}"
        if name.endswith(".npz"):
            store.write_arrays(path, _arrays(files, path))
            continue
        if name.lower().endswith(IMAGE_SUFFIXES):
            problem = check_image_file(files.where(path))
            if problem:
                raise DataError(f"{files.where(path)}: {problem}")
        store.write(path, Path(files.where(path)).read_bytes())
    store.write(f"{folder}/", "\n".join(names).encode())


def _arrays(files: FolderFiles, path: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file, checked; labels become packed bits.

    Raises:
        DataError: If the file is broken or of no known kind.
    """
    name = path.rsplit("/", 1)[1]
    if name == "cameras.npz":
        extrinsics, intrinsics = files.cameras(path)
        arrays = {f"world_mat_{i}": camera for i, camera in enumerate(extrinsics)}
        return arrays | {f"camera_mat_{i}": k for i, k in enumerate(intrinsics)}
    if name.startswith("pointcloud"):
        surface = files.pointcloud(path)
        half = np.float16 if surface.half else np.float32
        arrays = {
            "points": surface.points.astype(half),
            "normals": surface.normals.astype(half),
        }
        return arrays | {"loc": surface.loc, "scale": np.float64(surface.scale)}
    points = files.points(path)
    return {
        "points": points.points.astype(np.float16 if points.half else np.float32),
        "occupancies": np.packbits(points.occupancies),
        "loc": points.loc,
        "scale": np.float64(points.scale),
    }
