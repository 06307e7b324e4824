# SPDX-License-Identifier: Apache-2.0
"""Samples per second of occupancy data in folders, in one packed file, in HDF5 files.

Makes objects of the published sizes: 24 JPEG views of 137 pixels, 100,000 points and
surface points in float16, a 32^3 grid. Files are in the page cache, as after the first
epoch of a data set that fits into memory. With one thread samples are read in this
process, with more by as many worker processes of a data loader.

Example: python tests/benchmarks/bench_occnet_store.py --threads 1
"""

import importlib.util
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from harness import alternate, finish, parse
from torch.utils.data import DataLoader, default_collate

from svr3d.datasets import OccNetDataset, OccNetHDF5
from svr3d.datasets.transforms import PackViews, Resize
from svr3d.geometry.cameras import choy_camera
from svr3d.io.binvox import write_binvox
from svr3d.io.cameras import write_cameras
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    write_pointcloud,
    write_points,
)
from svr3d.preparation.occnet_hdf5 import occnet_to_hdf5
from svr3d.preparation.occnet_packing import pack_occnet

OBJECTS = 48
VIEWS = 24
POINTS = 100_000
TRAINING = {"num_points": 2048, "noise": 1e-4}
TESTING = {"iou_points": True, "num_surface_points": "all", "noise": 1e-4}


def write_object(folder: Path, rng: np.random.Generator) -> None:
    """Writes an object whose views compress as renderings do."""
    images = folder / "img_choy2016"
    images.mkdir(parents=True)
    for view in range(VIEWS):
        pixels = np.full((137, 137, 3), 255, np.uint8)
        noise = rng.integers(0, 255, (70, 80, 3), np.uint8)
        pixels[30:100, 25:105] = cv2.GaussianBlur(noise, (5, 5), 2)
        cv2.imwrite(str(images / f"{view:03d}.jpg"), pixels)
    metadata = torch.zeros(VIEWS, 5, dtype=torch.float64)
    metadata[:, 3] = 0.8
    write_cameras(images / "cameras.npz", *choy_camera(metadata))
    write_binvox(folder / "model.binvox", rng.random((32, 32, 32)) < 0.1)
    points = rng.uniform(-0.55, 0.55, (POINTS, 3)).astype(np.float16)
    inside = np.linalg.norm(points.astype(np.float32), axis=1) < 0.4
    write_points(folder / "points.npz", OccupancyPoints(points, inside))
    normals = points / np.linalg.norm(points.astype(np.float32), axis=1, keepdims=True)
    write_pointcloud(folder / "pointcloud.npz", SurfacePoints(points, normals))


def write_tree(root: Path) -> None:
    """Writes the data set in folders."""
    rng = np.random.default_rng(0)
    names = [f"object{index:03d}" for index in range(OBJECTS)]
    for name in names:
        write_object(root / "thing" / name, rng)
    (root / "thing/train.lst").write_text("\n".join(names))


def reader(kind, root: Path, pipeline, *, points: dict, workers: int, **options):
    """Returns a function that reads every object once."""
    dataset = kind(
        str(root), pipeline, view_selection="random", points=points, **options
    )
    if workers == 1:

        def read():
            for sample in dataset:
                assert len(sample)

        return read
    loader = DataLoader(
        dataset,
        batch_size=4,
        num_workers=workers,
        collate_fn=default_collate,
        persistent_workers=True,
        multiprocessing_context="fork",
    )

    def load():
        for batch in loader:
            assert len(batch)

    return load


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    cv2.setNumThreads(1)
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tree(root / "tree")
        places = {"folders": (OccNetDataset, root / "tree")}
        if importlib.util.find_spec("lmdb"):
            pack_occnet(root / "tree", root / "set.lmdb")
            places["packed store"] = (OccNetDataset, root / "set.lmdb")
        if importlib.util.find_spec("h5py"):
            made = occnet_to_hdf5(root / "tree", root / "hdf5").out
            places["HDF5 files"] = (OccNetHDF5, made)
        for case, points, pipeline in (
            ("training, 2,048 points", TRAINING, [PackViews()]),
            (
                "training, 2,048 points, 224 pixels",
                TRAINING,
                [Resize(224), PackViews()],
            ),
            ("evaluation, all points", TESTING, [PackViews()]),
        ):
            peers = {}
            for name, (kind, place) in places.items():
                no_grid = {"voxels_file": None} if kind is OccNetDataset else {}
                peers[name] = reader(
                    kind,
                    place,
                    pipeline,
                    points=points,
                    workers=arguments.threads,
                    **no_grid,
                )
            start = len(rows)
            threads = arguments.threads
            alternate(case, peers, arguments.repeat, rows, threads=threads)
            for row in rows[start:]:
                row["samples_per_second"] = OBJECTS / row["ms"] * 1e3
                print(f"    {row['peer']}: {row['samples_per_second']:.0f} samples/s")
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
