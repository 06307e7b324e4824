# SPDX-License-Identifier: Apache-2.0
"""Running commands, and a small network whose weights they take."""

import sys

import pytest
from paddle_files import narrow_model

from svr3d.cli import main as console


@pytest.fixture
def svr3d(monkeypatch, tmp_path, capsys):
    """Function that runs a command and returns code, output lines and errors."""
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.setattr(sys, "argv", ["svr3d"])
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = console.main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err

    return run


@pytest.fixture(scope="module")
def model():
    """The narrow network with random weights and statistics."""
    return narrow_model()
