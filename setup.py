# SPDX-License-Identifier: Apache-2.0
"""Builds svr3d and its custom ops.

The extension needs a C++17 compiler and torch's headers, nothing else. Environment:

    SVR3D_NO_EXT=1   leave the extension out; the pure-torch twins serve
    FORCE_CUDA=1     insist on the CUDA kernels, fail if they cannot be built
    MAX_JOBS=N       number of compilers that run at the same time

Install with ``pip install --no-build-isolation -e .``, so that the extension is
built against the torch that will load it.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# Oldest torch whose stable C++ interface the extension needs: 2.10.
TORCH_TARGET = "0x020a000000000000"


def flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def version() -> str:
    for line in (ROOT / "svr3d" / "__init__.py").read_text().splitlines():
        if line.startswith("__version__"):
            return line.split('"')[1]
    raise RuntimeError('svr3d/__init__.py: expected a line __version__ = "..."')


def sources(*patterns: str) -> list[str]:
    """Files of csrc, by the naming rule: *_cuda.cpp and *.cu belong to CUDA builds."""
    files = {file for pattern in patterns for file in (ROOT / "csrc").rglob(pattern)}
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def cpu_sources() -> list[str]:
    return sorted(set(sources("*.cpp")) - set(sources("*_cuda.cpp")))


def load_torch():
    """Torch's build module, or why there is none."""
    try:
        import torch
        from torch.utils import cpp_extension
    except ImportError as error:
        return None, None, str(error)
    return torch, cpp_extension, ""


def missing_for_cuda(torch, cpp_extension) -> list[str]:
    """What keeps the CUDA kernels from being built; empty if nothing does."""
    missing = []
    if not sources("*.cu"):
        missing.append("csrc has no .cu files")
    if torch.version.cuda is None:
        missing.append(f"torch {torch.__version__} has no CUDA")
    if cpp_extension.CUDA_HOME is None:
        missing.append("no CUDA toolkit found (CUDA_HOME, or nvcc on PATH)")
    return missing


def make_extension(torch, cpp_extension) -> Extension:
    missing = missing_for_cuda(torch, cpp_extension)
    if flag("FORCE_CUDA") and missing:
        raise SystemExit("svr3d: FORCE_CUDA=1, but " + "; ".join(missing))
    files, make = cpu_sources(), cpp_extension.CppExtension
    if sys.platform == "win32":
        flags = {"cxx": ["/std:c++17", "/O2"]}
    else:
        # Without contraction all instruction sets and devices give the same results.
        # Python may have been built with -fwrapv, which keeps loops over 32-bit indices
        # from being vectorised.
        flags = {"cxx": ["-std=c++17", "-O3", "-g0", "-fvisibility=hidden"]}
        flags["cxx"] += ["-ffp-contract=off", "-fno-math-errno"]
        flags["cxx"] += ["-fno-trapping-math", "-fno-wrapv", "-Wno-unknown-pragmas"]
    macros = [
        ("TORCH_TARGET_VERSION", TORCH_TARGET),
        ("SVR3D_TORCH_VERSION", f'"{torch.__version__}"'),
        ("SVR3D_VERSION", f'"{version()}"'),
    ]
    if not missing:
        make = cpp_extension.CUDAExtension
        files += sources("*.cu", "*_cuda.cpp")
        macros.append(("SVR3D_WITH_CUDA", "1"))
        flags["nvcc"] = ["-O3", "-std=c++17", "--fmad=false"]
    verdict = "CPU and CUDA" if not missing else f"CPU only ({'; '.join(missing)})"
    print(f"svr3d: extension for {verdict}, torch {torch.__version__}", file=sys.stderr)
    return make(
        "svr3d._C",
        files,
        include_dirs=[str(ROOT / "csrc")],
        define_macros=macros,
        extra_compile_args=flags,
        extra_link_args=[] if sys.platform == "win32" else ["-s"],
        py_limited_api=True,
    )


class WithoutTorch(build_ext):
    """Stands in where torch is missing: sdist works, a build explains itself."""

    def run(self) -> None:
        raise SystemExit(
            "svr3d: the extension is built against torch, which this environment "
            "lacks. Install torch first, then pip install --no-build-isolation; "
            "SVR3D_NO_EXT=1 leaves the extension out."
        )


def explain_failures(builder: type) -> type:
    """Ends a failed compilation with a summary in place of a long traceback."""

    class BuildExtension(builder):
        def run(self) -> None:
            try:
                super().run()
            except Exception as error:
                first = (str(error).splitlines() or [""])[0]
                raise SystemExit(
                    "svr3d: the extension did not build "
                    f"(compiler {os.environ.get('CXX', 'g++')}, Python "
                    f"{sys.version.split()[0]}): {type(error).__name__}: {first}\n"
                    "svr3d: the compiler's first error above names the cause; "
                    "SVR3D_NO_EXT=1 installs without the extension."
                ) from error

    return BuildExtension


class BuildPython(build_py):
    """Puts the configs beside the package's modules, as svr3d/configs."""

    def run(self) -> None:
        super().run()
        if getattr(self, "editable_mode", False):
            return  # the checkout's own configs serve
        target = Path(self.build_lib) / "svr3d" / "configs"
        shutil.rmtree(target, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / "configs", target, ignore=ignored)


def main() -> None:
    extensions, commands = [], {"build_py": BuildPython}
    if flag("SVR3D_NO_EXT"):
        if flag("FORCE_CUDA"):
            raise SystemExit("svr3d: SVR3D_NO_EXT=1 and FORCE_CUDA=1 contradict")
        print("svr3d: extension left out (SVR3D_NO_EXT=1)", file=sys.stderr)
    else:
        torch, cpp_extension, reason = load_torch()
        if torch is None:
            print(f"svr3d: torch cannot be imported ({reason})", file=sys.stderr)
            extensions = [Extension("svr3d._C", cpu_sources(), py_limited_api=True)]
            commands["build_ext"] = WithoutTorch
        else:
            extensions = [make_extension(torch, cpp_extension)]
            commands["build_ext"] = explain_failures(cpp_extension.BuildExtension)
    setup(
        version=version(),
        packages=find_packages(include=["svr3d", "svr3d.*"]),
        ext_modules=extensions,
        cmdclass=commands,
        options={"bdist_wheel": {"py_limited_api": "cp310"}} if extensions else {},
    )


if __name__ == "__main__":
    main()
