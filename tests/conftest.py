# SPDX-License-Identifier: Apache-2.0
"""Fixtures that the whole suite shares."""

import os
import sys
from pathlib import Path

import pytest
import torch

if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker to a core: threads of all workers on all cores would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SVR3D_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Each test draws the same numbers, alone and in any order."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Folder of the recorded cases; tests skip where it is absent."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip(f"recorded cases are not at {folder} (set SVR3D_SHARED)")
    return folder


@pytest.fixture(scope="session")
def golden(golden_dir):
    """The module that reads recorded cases and rebuilds their weights."""
    sys.path.insert(0, str(golden_dir))
    try:
        import golden as module
    finally:
        sys.path.remove(str(golden_dir))
    return module


@pytest.fixture(scope="session")
def shared_meshes() -> Path:
    """Folder of real meshes; tests skip where it is absent."""
    folder = SHARED / "meshes"
    if not folder.is_dir():
        pytest.skip(f"real meshes are not at {folder} (set SVR3D_SHARED)")
    return folder


@pytest.fixture(scope="session")
def procedural_data(tmp_path_factory) -> Path:
    """Some of the procedural objects in the published layout; not to be changed."""
    from svr3d.io.meshes import save_mesh
    from svr3d.preparation.builder import build_dataset
    from svr3d.preparation.procedural import make_object
    from svr3d.preparation.settings import BuildSettings

    folder = tmp_path_factory.mktemp("procedural")
    meshes = folder / "meshes"
    (meshes / "chair").mkdir(parents=True)
    for index in range(6):
        path = meshes / "chair" / f"chair_{index:04d}.glb"
        save_mesh(path, make_object("chair", index, seed=0))
    settings = BuildSettings(
        views=5,
        supersample=1,
        num_points=400,
        num_surface_points=100,
        split=(0.6, 0.2, 0.2),
    )
    build_dataset(meshes, folder / "data", settings=settings)
    return folder / "data"
