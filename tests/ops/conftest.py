# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the op tests."""

import sys
from pathlib import Path

import pytest
import torch

from svr3d.ops import _library

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["compiled", "torch"])
def kernels(request, monkeypatch):
    """Runs a test with the compiled kernels and with the pure-torch twins."""
    if request.param == "compiled":
        if not _library.load():
            pytest.skip(_library.load_report())
    else:
        monkeypatch.setattr(_library, "available", lambda: False)
    return request.param


@pytest.fixture
def compiled():
    """Skips, with the reason, where the extension is not built."""
    if not _library.load():
        pytest.skip(_library.load_report())


@pytest.fixture
def threads():
    """Sets the number of threads, and restores it."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
