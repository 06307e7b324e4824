# SPDX-License-Identifier: Apache-2.0
"""Write the cube-sphere set in its published layout."""

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import save_mesh
from svr3d.ops import sample_surface
from svr3d.preparation.cube_sphere.lists import MIN_COUNT, instance_name, lists_of
from svr3d.preparation.cube_sphere.pictures import CAMERAS, render_pictures
from svr3d.preparation.cube_sphere.shape import (
    CUBE_HALF_SIDE,
    SPHERE_RADIUS,
    interpolated_mesh,
    to_y_up,
)
from svr3d.preparation.executors import prepare_worker
from svr3d.preparation.seeding import stable_seed

SETTINGS_FILE = "settings.json"
_CLOUD = "pt_30000.npy"


@dataclass(frozen=True)
class CubeSphereSettings:
    """What a cube-sphere set holds; equal settings give equal files.

    Attributes:
        count: Instances; number i has shape parameter i / count.
        num_points: Surface points of each.
        image_size: Height and width of the pictures in pixels.
        all_views: Write front, right and top beside the isometric view, which alone is
            used.
        background: Grey level behind the shapes, 0 to 255.
        cube_half_side: Half side of the cube.
        sphere_radius: Radius of the sphere.
        seed: Seed of the surface points.

    Raises:
        ConfigError: If a value is out of range.
    """

    count: int = 1000
    num_points: int = 30_000
    image_size: int = 224
    all_views: bool = True
    background: int = 40
    cube_half_side: float = CUBE_HALF_SIDE
    sphere_radius: float = SPHERE_RADIUS
    seed: int = 0

    def __post_init__(self):
        for name, low, high in (
            ("count", MIN_COUNT, 100_000),
            ("num_points", 1, 10_000_000),
            ("image_size", 8, 4096),
            ("background", 0, 255),
            ("cube_half_side", 1e-3, 1.0),
            ("sphere_radius", 1e-3, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name}: expected {low} to {high}, found {value}")

    @property
    def folder(self) -> str:
        """Folder of the instances."""
        return f"CubeSphere_interp_{self.count}"


@dataclass
class CubeSphereReport:
    """What a run did.

    Attributes:
        made: Instances that this run wrote.
        kept: Instances that an earlier run had finished.
        seconds: Duration of the run.
    """

    made: int = 0
    kept: int = 0
    seconds: float = 0.0


def make_cube_sphere(
    out: str | Path,
    *,
    settings: CubeSphereSettings,
    workers: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> CubeSphereReport:
    """Write the set; instances that an earlier run finished are kept.

    Args:
        out: Folder of the set.
        settings: What to make.
        workers: Worker processes; 0 works in this process.
        overwrite: Make all instances anew.
        progress: Show a progress bar on the standard error stream.

    Raises:
        ConfigError: ``out`` holds instances with other settings.
        DataError: ``out`` cannot be written.
    """
    started = time.monotonic()
    root = Path(out)
    instances = root / settings.folder
    report = CubeSphereReport()
    try:
        instances.mkdir(parents=True, exist_ok=True)
        for draft in instances.glob(".*.new"):
            shutil.rmtree(draft)
        _check_settings(instances / SETTINGS_FILE, settings, overwrite)
        todo = [
            index
            for index in range(settings.count)
            if overwrite or not (instances / instance_name(index)).is_dir()
        ]
        report.kept = settings.count - len(todo)
        work = partial(_write_instance, instances, settings)
        for _ in _watch(_run(work, todo, workers), len(todo), progress):
            report.made += 1
        _write_lists(root, settings)
    except OSError as error:
        raise DataError(
            f"{root}: expected a folder that can be written, found {error}"
        ) from error
    report.seconds = time.monotonic() - started
    return report


def _check_settings(path: Path, settings: CubeSphereSettings, overwrite: bool) -> None:
    """Compare with an earlier run, then keep the settings."""
    if path.exists() and not overwrite:
        before = json.loads(path.read_text())
        for name, value in asdict(settings).items():
            if before.get(name) != value:
                raise ConfigError(
                    f"{path}: expected the settings of the instances that are there, "
                    f"found {name}: {before.get(name)} before, {value} now; overwrite "
                    "them or choose another folder"
                )
    path.write_text(json.dumps(asdict(settings), indent=1) + "\n")


def _run(work, todo: list[int], workers: int) -> Iterator:
    if workers < 2 or len(todo) < 2:
        yield from map(work, todo)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(todo)), prepare_worker) as pool:
        yield from pool.imap_unordered(work, todo, chunksize=4)


def _watch(done: Iterator, total: int, progress: bool) -> Iterator:
    if not progress or not total:
        return done
    from tqdm import tqdm

    return tqdm(done, total=total, unit="shape", desc="making")


def _write_instance(folder: Path, settings: CubeSphereSettings, index: int) -> None:
    """Write one instance; its folder appears complete or not at all."""
    mesh = interpolated_mesh(
        index / settings.count,
        cube_half_side=settings.cube_half_side,
        sphere_radius=settings.sphere_radius,
    )
    names = tuple(CAMERAS) if settings.all_views else ("Isometric",)
    images = render_pictures(
        mesh, names, size=settings.image_size, background=settings.background
    )
    upright = MeshData(to_y_up(mesh.vertices), mesh.faces)
    seed = stable_seed(settings.seed, "cube-sphere", index)
    points = sample_surface(
        upright.vertices.astype(np.float64),
        upright.faces,
        settings.num_points,
        seed=seed,
    ).points
    name = instance_name(index)
    draft = folder / f".{name}.new"
    draft.mkdir(exist_ok=True)
    save_mesh(draft / "model.obj", upright)
    np.save(draft / _CLOUD, points.numpy())
    views = {}
    for view, image in zip(names, images, strict=True):
        _, encoded = cv2.imencode(".png", image[..., ::-1])
        (draft / f"{view}.png").write_bytes(encoded.tobytes())
        views[view] = {
            "lookat_origin": list(CAMERAS[view]),
            "object_origin": [0, 0, 0],
            "up": [0, 1, 0],
        }
    (draft / "renderinfo.json").write_text(json.dumps(views, indent=1) + "\n")
    target = folder / name
    if target.exists():
        shutil.rmtree(target)
    os.replace(draft, target)


def _write_lists(root: Path, settings: CubeSphereSettings) -> None:
    """Write what trains, validates and tests, and the parameters of all shapes."""
    lists = lists_of(settings.count, settings.folder)
    lists[f"{settings.folder}.json"] = [
        {
            "cube_scale": settings.cube_half_side,
            "sphere_scale": settings.sphere_radius,
            "shapekey_value": index / settings.count,
            "dir_path": f"{settings.folder}/{instance_name(index)}",
            "model_path": f"{settings.folder}/{instance_name(index)}/model.obj",
            "isometric_path": f"{settings.folder}/{instance_name(index)}/Isometric.png",
        }
        for index in range(settings.count)
    ]
    for name, entries in lists.items():
        draft = root / f".{name}.new"
        draft.write_text(json.dumps(entries, indent=1) + "\n")
        os.replace(draft, root / name)
