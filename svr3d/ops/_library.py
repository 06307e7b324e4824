# SPDX-License-Identifier: Apache-2.0
"""Loads the compiled extension, and says what was loaded or why it was not."""

import os
import platform
import sys
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

_PACKAGE = Path(__file__).resolve().parent.parent
_state: dict[str, Any] = {"path": None, "errors": {}, "warned": False}


def _candidates() -> list[Path]:
    """Files that may be the extension, the one of this Python's naming first."""
    found = sorted(_PACKAGE.glob("_C*.so")) + sorted(_PACKAGE.glob("_C*.pyd"))
    return sorted(found, key=lambda path: "abi3" not in path.name)


@lru_cache(maxsize=1)
def load() -> bool:
    """Loads the extension once; never compiles, never raises.

    Returns:
        Whether ``torch.ops.svr3d`` holds compiled kernels.
    """
    if os.environ.get("SVR3D_DISABLE_EXT", "") not in {"", "0"}:
        _state["errors"]["SVR3D_DISABLE_EXT"] = "set in the environment"
        return False
    for path in _candidates():
        try:
            torch.ops.load_library(path)
        except OSError as error:
            _state["errors"][str(path)] = str(error)
        else:
            _state["path"] = path
            return True
    return False


def available() -> bool:
    """Whether compiled kernels serve; warns once if the pure-torch twins do."""
    if _state["path"] is not None:  # ops load the extension when they are imported
        return True
    if not _state["warned"] and not torch.compiler.is_compiling():
        _state["warned"] = True
        warnings.warn(load_report(), RuntimeWarning, stacklevel=3)
    return False


def has_kernel(op: str, tensor: torch.Tensor) -> bool:
    """Whether a compiled kernel of ``op`` serves tensors of this device."""
    if tensor.is_cpu or tensor.is_meta or not available():
        return available()
    key = tensor.device.type.upper()
    return torch._C._dispatch_has_kernel_for_dispatch_key(f"svr3d::{op}", key)


def load_report() -> str:
    """Explains in words which extension serves, or why none does."""
    if load():
        return f"svr3d ops: compiled extension {_state['path']}"
    lines = ["svr3d ops: the pure-torch twins serve; they are right, but slow."]
    if not _state["errors"]:
        lines.append(
            f"No compiled extension lies in {_PACKAGE}: it was left out when svr3d "
            "was installed (SVR3D_NO_EXT=1), or the checkout was never built. "
            "Build it with: pip install --no-build-isolation -e ."
        )
    for name, error in _state["errors"].items():
        lines.append(f"{name}: {error}")
    if any(name.endswith((".so", ".pyd")) for name in _state["errors"]):
        lines.append(
            f"It needs torch >= 2.10; this is torch {torch.__version__} on Python "
            f"{platform.python_version()} ({platform.machine()}, {sys.platform}). "
            "It was built against another torch or for another system if symbols "
            "are missing: rebuild it here with "
            "pip install --no-build-isolation --force-reinstall --no-deps svr3d."
        )
    return "\n".join(lines)


def build_info() -> dict[str, Any]:
    """Says how the ops were built and what runs them.

    Returns:
        Builtins only: ``extension`` (path or None), ``kernels`` ("compiled" or
        "torch"), ``built_with_torch`` and ``built_version`` (None without an
        extension), ``cuda`` (whether the extension holds CUDA kernels),
        ``torch`` (the running one), ``python`` and ``errors`` (file -> message).
    """
    compiled = load()
    built = [None, None, "0"]
    if compiled:
        built = torch.ops.svr3d.build_info().split("|")
    return {
        "extension": str(_state["path"]) if compiled else None,
        "kernels": "compiled" if compiled else "torch",
        "built_with_torch": built[0],
        "built_version": built[1],
        "cuda": built[2] == "1",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "errors": dict(_state["errors"]),
    }
