# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share: the toy, and one thread."""

import sys

import pytest
import torch
from toy_config import TOY, write_toy

from svr3d.cli import train
from svr3d.io.meshes import save_mesh
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.procedural import make_object
from svr3d.preparation.settings import BuildSettings


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Some of the procedural objects in the published layout; not to be changed."""
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


@pytest.fixture
def toy(monkeypatch):
    """Make the toy importable, let torch use one thread, and leave memory alone."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    import toy_parts

    yield toy_parts
    torch.set_num_threads(threads)
    sys.stdout.flush()


@pytest.fixture
def train_toy(toy, tmp_path):
    """Function that trains the toy in this process and returns its work directory."""

    def run(name, *arguments, code=0, **changes):
        config = write_toy(tmp_path / "toy.py", **changes)
        work_dir = tmp_path / name
        found = train.main(
            [str(config), "--work-dir", str(work_dir), *map(str, arguments)]
        )
        assert found == code
        return work_dir

    return run
