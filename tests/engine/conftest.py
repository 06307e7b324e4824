# SPDX-License-Identifier: Apache-2.0
"""What the tests of training share: the toy, and one thread."""

import sys

import pytest
import torch
from toy_config import TOY, write_toy

from svr3d.cli import train


@pytest.fixture(scope="session")
def data(procedural_data):
    """Some of the procedural objects in the published layout; not to be changed."""
    return procedural_data


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
