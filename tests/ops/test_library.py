# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys

import pytest
import torch

from svr3d.ops import _library, build_info


def test_build_info_holds_builtins(compiled):
    info = build_info()
    assert json.loads(json.dumps(info)) == info
    assert info["kernels"] == "compiled"
    assert info["extension"].endswith("_C.abi3.so")
    assert info["built_with_torch"]
    assert info["torch"] == torch.__version__


def test_disabled_extension_serves_twins_with_a_reason():
    script = (
        "import warnings, torch; warnings.simplefilter('error', RuntimeWarning)\n"
        "from svr3d import ops\n"
        "assert ops.build_info()['kernels'] == 'torch'\n"
        "v = torch.eye(4)[:, :3]; f = torch.tensor([[0,1,2],[0,3,1],[1,3,2],[2,3,0]])\n"
        "try: ops.points_inside(v, f, v)\n"
        "except RuntimeWarning as warning: print(warning)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=_environment(SVR3D_DISABLE_EXT="1"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "the pure-torch twins serve" in done.stdout
    assert "SVR3D_DISABLE_EXT: set in the environment" in done.stdout


def test_file_that_does_not_load_is_explained(tmp_path, monkeypatch):
    broken = tmp_path / "_C.abi3.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(_library, "_PACKAGE", tmp_path)
    state = {"path": None, "errors": {}, "warned": False}
    monkeypatch.setattr(_library, "_state", state)
    # Without the cache around it, so that the real state stays as it is.
    monkeypatch.setattr(_library, "load", _library.load.__wrapped__)
    report = _library.load_report()
    assert str(broken) in report
    assert "torch >= 2.10; this is torch " + torch.__version__ in report
    assert "pip install --no-build-isolation" in report
    broken.unlink()
    state["errors"].clear()
    assert "was never built" in _library.load_report()


@pytest.mark.parametrize("name", ["rasterize_meshes", "points_inside", "render_colors"])
def test_schemas_are_functional(compiled, name):
    schema = getattr(torch.ops.svr3d, name).default._schema
    assert not schema.is_mutable


def _environment(**extra: str) -> dict[str, str]:
    import os

    return os.environ | extra
