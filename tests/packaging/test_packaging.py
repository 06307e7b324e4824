# SPDX-License-Identifier: Apache-2.0
"""What a source distribution and a wheel hold, and that the wheel stands alone."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

COPIED = ("svr3d", "csrc", "configs", "tools", "requirements")
FILES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Runs a command outside the checkout's import path; fails with its output."""
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=variables | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stderr + done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory, repository) -> Path:
    """A copy of the checkout without anything that was built."""
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "build")
    for name in COPIED:
        if (repository / name).is_dir():
            shutil.copytree(repository / name, folder / name, ignore=ignored)
    for name in (*FILES, "CHANGELOG.md", "CONTRIBUTING.md"):
        if (repository / name).is_file():
            shutil.copy(repository / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def sdist(source, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    command = "from setuptools import build_meta as b; b.build_sdist({!r})"
    run(sys.executable, "-c", command.format(str(folder)), cwd=source, SVR3D_NO_EXT="1")
    return next(folder.glob("svr3d-*.tar.gz"))


def tracked(folder: Path, *patterns: str) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for pattern in patterns
        for path in folder.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_sdist_holds_all_sources(sdist, source):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = tracked(source, "svr3d/**/*.py", "csrc/**/*", "configs/**/*", "tools/**/*")
    assert {"csrc/library.cpp", "csrc/common/macros.h"} <= wanted
    assert wanted | set(FILES) <= names
    assert not [n for n in names if n.endswith((".so", ".o", ".pyc")) or "tests/" in n]


def test_metadata_names_dependencies_and_command(sdist):
    with tarfile.open(sdist) as archive:
        name = next(
            n for n in archive.getnames() if n.endswith("svr3d.egg-info/PKG-INFO")
        )
        metadata = archive.extractfile(name).read().decode()
        name = name.replace("PKG-INFO", "entry_points.txt")
        entry_points = archive.extractfile(name).read().decode()
    assert "svr3d = svr3d.cli.main:main" in entry_points
    required = [
        line.split(": ")[1] for line in metadata.splitlines() if "Requires-Dist" in line
    ]
    assert "mmengine>=0.10.7" in required
    assert "torch>=2.10" in required
    assert not [line for line in required if "<" in line or "==" in line.split(";")[0]]
    for extra in ("tensorboard", "ray", "test", "docs", "all"):
        assert f"Provides-Extra: {extra}" in metadata


def test_contradicting_and_impossible_switches_are_refused(source):
    def refused(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "setup.py", "--version"],
            cwd=source,
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        return done.stderr

    message = refused(FORCE_CUDA="1", SVR3D_NO_EXT="1")
    assert "SVR3D_NO_EXT=1 and FORCE_CUDA=1 contradict" in message
    if not list((source / "csrc").rglob("*.cu")):
        assert "FORCE_CUDA=1, but csrc has no .cu files" in refused(FORCE_CUDA="1")


def test_broken_compiler_is_explained(source, tmp_path):
    copy = tmp_path / "source"
    shutil.copytree(source, copy)
    (copy / "csrc" / "library.cpp").write_text("#error broken on purpose\n")
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=copy,
        env=os.environ | {"MAX_JOBS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "broken on purpose" in done.stdout + done.stderr
    assert "svr3d: the extension did not build" in done.stderr
    assert "SVR3D_NO_EXT=1 installs without the extension" in done.stderr
    assert "Traceback" not in done.stderr.split("svr3d: the extension did not")[1]


@pytest.mark.slow
def test_wheel_from_sdist_works_in_an_empty_environment(sdist, source, tmp_path):
    """Only the dependencies' folder is shared, so that torch needn't be downloaded."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(tmp_path.glob("svr3d-*"))
    command = "from setuptools import build_meta as b; b.build_wheel({!r})"
    output = run(
        sys.executable, "-c", command.format(str(tmp_path)), cwd=unpacked, MAX_JOBS="2"
    )
    assert "svr3d: extension for CPU" in output
    wheel = next(tmp_path.glob("svr3d-*.whl"))
    assert "-cp310-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    configs = {f"svr3d/{name}" for name in tracked(source, "configs/**/*")}
    modules = tracked(source, "svr3d/**/*")
    assert names == modules | configs | {"svr3d/_C.abi3.so"}
    # Only symbols of the stable interface that Python 3.10 has.
    audit = run(sys.executable, "-m", "abi3audit", "--strict", "--report", wheel,
                cwd=tmp_path)  # fmt: skip
    (result,) = json.loads(audit.splitlines()[-1])["specs"].values()
    assert '"is_abi3": true' in json.dumps(result)
    assert '"non_abi3_symbols": []' in json.dumps(result)
    assert '"baseline": "3.10"' in json.dumps(result)

    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    site = Path(
        run(
            python,
            "-c",
            "import sysconfig as s; print(s.get_path('purelib'))",
            cwd=tmp_path,
        ).strip()
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # A path entry shares the packages without running the checkout's own .pth file.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = (
        "import torch, svr3d, pathlib; from svr3d import ops\n"
        "root = pathlib.Path(svr3d.__file__).parent\n"
        f"assert root.is_relative_to({str(site)!r}), root\n"
        "info = ops.build_info(); assert info['kernels'] == 'compiled', info\n"
        "assert pathlib.Path(info['extension']).parent == root\n"
        "v = torch.eye(4)[:, :3]; f = torch.tensor([[0,1,2],[0,3,1],[1,3,2],[2,3,0]])\n"
        "inside = ops.points_inside(v, f, torch.tensor([[.1,.1,.1],[1,1,1.]]))\n"
        "assert inside.tolist() == [True, False]\n"
        "assert (root / 'configs').is_dir()\n"
        "from svr3d.cli.main import main; print('works')\n"
    )
    assert "works" in run(python, "-c", script, cwd=tmp_path)

    def svr3d(*arguments: object) -> str:
        """Runs the console command and returns the last line it printed."""
        command = (python, "-m", "svr3d.cli.main", *arguments)
        return run(*command, cwd=tmp_path, OMP_NUM_THREADS="1").splitlines()[-1]

    svr3d("make-synthetic", "data", "--per-category", 4, "--views", 5, "--workers", 1)
    config = "r2n2/res3dgru_synthetic.py"
    options = ("--cfg-options", "data_root=data", "train_cfg.max_epochs=1")
    options += ("train_cfg.val_interval=1",)
    checkpoint = tmp_path / svr3d("train", config, "--work-dir", "first", *options)
    assert checkpoint.is_file()
    svr3d("test", checkpoint, "--work-dir", "tested")
    assert list(tmp_path.glob("tested/**/*.json"))
    image = next(tmp_path.glob("data/ShapeNetRendering/*/*/rendering/00.png"))
    svr3d("reconstruct", checkpoint, image, "--out", "shapes")
    assert {p.suffix for p in tmp_path.glob("shapes/**/*")} >= {".glb", ".png"}
