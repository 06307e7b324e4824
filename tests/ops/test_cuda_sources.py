# SPDX-License-Identifier: Apache-2.0
"""The CUDA files compile, although no GPU may be here to run them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch.utils import cpp_extension

ROOT = Path(__file__).resolve().parents[2]
KERNELS = sorted((ROOT / "csrc").rglob("*.cu"))
BINDINGS = sorted((ROOT / "csrc").rglob("*_cuda.cpp"))
NVCC = shutil.which("nvcc")


def names(paths):
    return [path.name for path in paths]


def compiles(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]


def toolkit() -> Path:
    listing = subprocess.run([NVCC, "--dryrun", "x.cu"], capture_output=True, text=True)
    top = next(
        line for line in listing.stderr.splitlines() if line.startswith("#$ TOP=")
    )
    return Path(top.removeprefix("#$ TOP=").strip())


def test_every_kernel_has_its_binding():
    assert KERNELS
    kernels = {path.parent.name for path in KERNELS}
    assert kernels == {path.parent.name for path in BINDINGS}


@pytest.mark.parametrize("path", KERNELS, ids=names(KERNELS))
def test_kernels_see_no_torch(path):
    done = [path.read_text()]
    done += [header.read_text() for header in path.parent.glob("*_launch.h")]
    assert not any("torch/" in text or "tensor.h" in text for text in done)


@pytest.mark.skipif(NVCC is None, reason="needs the CUDA compiler nvcc on PATH")
@pytest.mark.parametrize("path", KERNELS, ids=names(KERNELS))
def test_kernels_compile(path, tmp_path):
    """For the generations of A100 and H100, warnings as errors."""
    for arch in ("sm_80", "sm_90"):
        flags = ["-std=c++17", "-O1", "--fmad=false", "-Werror", "all-warnings"]
        target = ["-cubin", f"-arch={arch}", "-o", str(tmp_path / arch)]
        compiles([NVCC, *flags, *target, str(path)])
        assert (tmp_path / arch).stat().st_size > 0


@pytest.mark.skipif(NVCC is None, reason="needs the CUDA toolkit's headers")
@pytest.mark.parametrize("path", BINDINGS, ids=names(BINDINGS))
def test_bindings_compile(path):
    target = "-DTORCH_TARGET_VERSION=0x020a000000000000"
    include = [f"-I{folder}" for folder in cpp_extension.include_paths()]
    include += [f"-isystem{folder}" for folder in toolkit().glob("targets/*/include")]
    include += [f"-isystem{toolkit() / 'include'}"]
    flags = ["-std=c++17", "-fsyntax-only", "-Wall", target, "-DUSE_CUDA"]
    compiles(["g++", *flags, *include, str(path)])


def test_torch_headers_are_the_running_ones():
    assert Path(torch.__file__).parent in Path(cpp_extension.include_paths()[0]).parents
