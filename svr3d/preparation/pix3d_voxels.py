# SPDX-License-Identifier: Apache-2.0
"""Voxel grids of Pix3D's meshes, which its download does not have."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from svr3d.datasets.pix3d_annotations import binvox_path, read_annotations
from svr3d.errors import DataError, SVR3DError
from svr3d.io.binvox import read_binvox, write_binvox
from svr3d.io.meshes import load_mesh
from svr3d.ops import voxelize_meshes
from svr3d.preparation.object_frame import normalize_mesh


@dataclass
class VoxelReport:
    """What a run did.

    Attributes:
        made: Grids that this run wrote.
        kept: Grids that were there.
        failures: Reason by grid, for each that could not be made.
        seconds: Duration of the run.
    """

    made: int = 0
    kept: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def make_pix3d_voxels(
    root: str | Path,
    *,
    resolution: int = 32,
    mode: str = "solid",
    categories: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> VoxelReport:
    """Voxelise each mesh of Pix3D once and write ``model.binvox`` beside it.

    The mesh is not turned: its axes (left, up, inward in the canonical view) are those
    of the object frame. The grid covers the cube around the centre of its bounding box
    whose side is the longest side of the box; ``translate`` and ``scale`` of the file
    say where that cube lies in the mesh's own frame, in which the cameras are given.

    A grid that is there is kept, so that a stopped run continues; files appear complete
    or not at all.

    Args:
        root: Folder of the download, with ``pix3d.json`` and ``model/``.
        resolution: Cells along each side.
        mode: What counts as occupied, see ``svr3d.ops.voxelize_meshes``.
        categories: Make only those of these categories. None makes all.
        overwrite: Make all anew.
        progress: Show a progress bar on the standard error stream.

    Returns:
        Counts and failures; a bad mesh does not stop the run.

    Raises:
        DataError: If the annotations cannot be used, or name no such category.
    """
    started = time.monotonic()
    root = Path(root)
    sources = _sources(root, categories)
    report = VoxelReport()
    for target, mesh in _watch(sources, progress):
        path = root / target
        try:
            if not overwrite and _is_complete(path, resolution):
                report.kept += 1
                continue
            _write(path, root, mesh, resolution, mode)
            report.made += 1
        except SVR3DError as error:
            report.failures[target] = str(error)
        except (OSError, MemoryError) as error:
            report.failures[target] = f"{path}: {type(error).__name__}: {error}"
    report.seconds = time.monotonic() - started
    return report


def _sources(
    root: Path, categories: Sequence[str] | None
) -> list[tuple[str, str | None]]:
    """Return each grid to make with the mesh it is made of, in the order of names."""
    annotations = root / "pix3d.json"
    meshes: dict[str, set] = {}
    known = set()
    for name, entry in read_annotations(annotations).items():
        category = name.partition("/")[0]
        known.add(category)
        if categories is None or category in categories:
            meshes.setdefault(str(binvox_path(entry)), set()).add(entry.get("model"))
    unknown = sorted(set(categories or ()) - known)
    if unknown:
        raise DataError(
            f"{annotations}: expected categories out of {', '.join(sorted(known))}, "
            f"found {', '.join(unknown)}"
        )
    # Two meshes for one grid would overwrite each other.
    return [
        (target, next(iter(found)) if len(found) == 1 else None)
        for target, found in sorted(meshes.items())
    ]


def _watch(sources: list, progress: bool):
    if not progress:
        return sources
    from tqdm import tqdm

    return tqdm(sources, unit="mesh", desc="voxelising", smoothing=0.05)


def _is_complete(path: Path, resolution: int) -> bool:
    """Return whether a grid is there; a broken one is made anew.

    Raises:
        DataError: If it has another resolution.
    """
    if not path.exists():
        return False
    try:
        shape = read_binvox(path).voxels.shape
    except DataError:
        return False
    if shape != (resolution,) * 3:
        raise DataError(
            f"{path}: expected a grid of {resolution}^3, found {shape}; give "
            "--overwrite to make it anew"
        )
    return True


def _write(
    path: Path, root: Path, mesh: str | None, resolution: int, mode: str
) -> None:
    if not isinstance(mesh, str):
        raise DataError(
            f"{root / 'pix3d.json'}: expected one 'model' for "
            f"{path.relative_to(root)}, found none or several"
        )
    placed = normalize_mesh(load_mesh(root / mesh))
    voxels = voxelize_meshes(
        torch.from_numpy(placed.mesh.vertices),
        torch.from_numpy(placed.mesh.faces),
        resolution,
        mode=mode,
    )
    corner = placed.loc - placed.scale / 2
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    write_binvox(draft, voxels.numpy(), translate=tuple(corner), scale=placed.scale)
    os.replace(draft, path)
