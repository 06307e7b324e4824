# SPDX-License-Identifier: Apache-2.0
"""One HDF5 file of each object, as Occupancy Networks' Lightning version reads them.

Source: Computer-Vision-IIITH-2021/project-noisypixel ``src/dataset/data_process.py``.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from svr3d.datasets.occnet_files import FolderFiles
from svr3d.errors import DataError, SVR3DError
from svr3d.io.hdf5 import import_h5py
from svr3d.preparation.occnet_objects import (
    ConversionReport,
    list_names,
    listed_objects,
    open_tree,
    watch,
)

FOLDER = "hdf_data"
_ARCHIVES = ("points", "pointcloud")


def occnet_to_hdf5(
    root: str | Path,
    out: str | Path,
    *,
    image_folder: str = "img_choy2016",
    workers: int = 2,
    overwrite: bool = False,
    progress: bool = False,
) -> ConversionReport:
    """Write ``<out>/hdf_data/<synset>_<model>.h5`` and merged lists of them.

    Datasets: ``images`` (V, H, W, 3) uint8 RGB, ``camera/*``, ``points/*`` and
    ``pointcloud/*`` with the types of the source. A file that is there is kept, so that
    a stopped run continues: files have their names only once they are complete.
    Differs from the published program: views keep their order, so that cameras belong
    to them.

    Args:
        root: Folder of the data set in the layout of Occupancy Networks.
        out: Folder of the result.
        image_folder: Folder of an object's images.
        workers: Threads.
        overwrite: Write all files anew.
        progress: Show a progress bar on the standard error stream.

    Returns:
        Counts and failures; a broken object does not stop the run and is in no list.

    Raises:
        ConfigError: If the package h5py is not installed.
        DataError: If the data set has no objects, or two of them one file name.
    """
    started = time.monotonic()
    import_h5py()
    files = open_tree(root)
    objects = listed_objects(files)
    _check_names(objects)
    folder = Path(out) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    report = ConversionReport(folder)

    def convert(sample_id: str) -> str:
        """Return what became of an object: made, kept or a reason."""
        path = folder / file_name(sample_id)
        try:
            if not overwrite and path.exists():
                return "kept"
            _write(path, _content(files, sample_id, image_folder))
        except (SVR3DError, OSError) as error:
            return str(error)
        return "made"

    with ThreadPoolExecutor(max(1, workers)) as pool:
        outcomes = watch(_ahead(pool, convert, objects), len(objects), progress, "HDF5")
        for sample_id, outcome in zip(objects, outcomes, strict=True):
            if outcome in ("made", "kept"):
                setattr(report, outcome, getattr(report, outcome) + 1)
            else:
                report.failures[sample_id] = outcome
    _write_lists(files, folder, report.failures)
    report.seconds = time.monotonic() - started
    return report


def file_name(sample_id: str) -> str:
    """Return the file of ``<synset>/<model>``."""
    return sample_id.replace("/", "_", 1) + ".h5"


def _ahead(pool: ThreadPoolExecutor, function, items: list[str]) -> Iterator[str]:
    """Yield results in order; stopping early leaves what has not begun undone."""
    futures = [pool.submit(function, item) for item in items]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _check_names(objects: list[str]) -> None:
    owners: dict[str, str] = {}
    for sample_id in objects:
        other = owners.setdefault(file_name(sample_id), sample_id)
        if other != sample_id:
            raise DataError(
                f"expected file names of their own, found {file_name(sample_id)} for "
                f"{other} and {sample_id}"
            )


def _content(
    files: FolderFiles, sample_id: str, image_folder: str
) -> dict[str, np.ndarray]:
    """Return the datasets of an object, by their names.

    Raises:
        DataError: If a file is missing or broken.
    """
    folder = f"{sample_id}/{image_folder}"
    names = files.images(folder)
    if not names:
        raise DataError(f"{files.where(folder)}: expected images, found none")
    views = [files.image(f"{folder}/{name}") for name in names]
    shapes = {view.shape[:2] for view in views}
    if len(shapes) != 1:
        raise DataError(
            f"{files.where(folder)}: expected views of one size, found {sorted(shapes)}"
        )
    content = {"images": np.stack([_rgb(view) for view in views])}
    cameras = f"{folder}/cameras.npz"
    if files.exists(cameras):
        extrinsics, intrinsics = files.cameras(cameras)
        for index, camera in enumerate(extrinsics):
            content[f"camera/world_mat_{index}"] = camera
            content[f"camera/camera_mat_{index}"] = intrinsics[index]
    files.points(f"{sample_id}/points.npz")  # checks what is copied below
    files.pointcloud(f"{sample_id}/pointcloud.npz")
    for archive in _ARCHIVES:
        path = files.where(f"{sample_id}/{archive}.npz")
        with np.load(path, allow_pickle=False) as arrays:
            content |= {f"{archive}/{name}": arrays[name] for name in arrays.files}
    return content


def _rgb(view: np.ndarray) -> np.ndarray:
    """Return a view (H, W, 3) RGB; what is transparent becomes white."""
    if view.shape[2] == 4:
        alpha = view[..., 3:] / np.float32(255)
        view = np.rint(255 + alpha * (view[..., :3] - np.float32(255))).astype(np.uint8)
    return cv2.cvtColor(view, cv2.COLOR_BGR2RGB)


def _write(path: Path, content: dict[str, np.ndarray]) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        with import_h5py().File(draft, "w") as file:
            for name, array in content.items():
                file.create_dataset(name, data=array)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _write_lists(files: FolderFiles, folder: Path, failures: dict[str, str]) -> None:
    """Write each list with the models of all categories."""
    merged: dict[str, list[str]] = {f"{s}.lst": [] for s in ("train", "val", "test")}
    for category, names in list_names(files).items():
        for name in names:
            models = files.model_list(f"{category}/{name}")
            ids = [f"{category}/{model}" for model in models]
            merged.setdefault(name, [])
            merged[name] += [file_name(i) for i in ids if i not in failures]
    for name, lines in merged.items():
        draft = folder / f".{name}.new"
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.replace(draft, folder / name)
