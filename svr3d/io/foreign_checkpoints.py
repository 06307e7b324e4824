# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other programs: PyTorch, numpy (Theano) and Paddle files.

None of their pickled code is ever run; a file that needs it is refused.
"""

import contextlib
import os
import pickle
import re
import reprlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from svr3d.errors import CheckpointError

from .array_pickles import read_array_pickle

_ZIP = b"PK\x03\x04"
# Keys that paddle.save adds to the tensors.
_NAMES = "StructuredToParameterName@@"
_PARTS = "UnpackBigParamInfor@@"

# What the pickle of a number of numpy names. It makes numbers from bytes, nothing else.
_NUMPY_SCALAR = np.float64(0.0).__reduce__()[0]
_NUMPY_NUMBERS = [
    (_NUMPY_SCALAR, "numpy.core.multiarray.scalar"),
    (_NUMPY_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    type(np.dtype(np.float64)),
    type(np.dtype(np.float32)),
]


class _Emptied:
    """What stands for an object of a class that is not to be imported."""

    def __new__(cls, *arguments):
        return super().__new__(cls)

    def __init__(self, *arguments):
        pass

    def __setstate__(self, state: Any) -> None:
        """Take nothing over."""


def read_torch_file(
    path: str | os.PathLike,
    device: str | torch.device = "cpu",
    *,
    numbers: bool = False,
    emptied: Sequence[str] = (),
) -> Any:
    """Read a ``.pth`` or ``.pt`` file that holds tensors and builtins only.

    Args:
        path: The file.
        device: Where its tensors go.
        numbers: Whether single numbers of numpy may stand between them.
        emptied: Starts of names (``package.``) of classes whose objects may stand
            between them too: each becomes an object without content, and nothing of
            that package is imported or run. Only for files in the zip format.

    Returns:
        What ``torch.save`` got.

    Raises:
        CheckpointError: If the file is missing, truncated or broken, or holds pickled
            objects, which can run any code when they are loaded.
    """
    file = _existing_file(path)
    # Only the zip format has an end that tells a complete file from a cut one.
    with open(file, "rb") as stream:
        is_zip = stream.read(4) == _ZIP
    if is_zip and not zipfile.is_zipfile(file):
        raise CheckpointError(
            f"{path}: the file is truncated ({file.stat().st_size} bytes, no end)"
        )
    try:
        with contextlib.ExitStack() as stack:
            if numbers:
                stack.enter_context(torch.serialization.safe_globals(_NUMPY_NUMBERS))
            if emptied and is_zip:
                names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
                known = [
                    (_stand_in(name), name)
                    for name in names
                    if name.startswith(tuple(emptied))
                ]
                stack.enter_context(torch.serialization.safe_globals(known))
            return torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # a foreign file makes the reader fail in any way
        raise explain_torch_error(path, error) from error


def _stand_in(name: str) -> type:
    # A dictionary with attributes is filled as a dictionary, which nothing else may be.
    return dict if name.endswith("AttributeDict") else _Emptied


def explain_torch_error(path: str | os.PathLike, error: Exception) -> CheckpointError:
    """Return what to raise where torch could not read a file.

    Args:
        path: What messages call the file.
        error: What torch raised.
    """
    if isinstance(error, pickle.UnpicklingError):
        return CheckpointError(_explain_pickle(path, error))
    reason = str(error).splitlines()[0][:200] if str(error) else ""
    return CheckpointError(
        f"{path}: expected a checkpoint, found a broken or foreign file "
        f"({type(error).__name__}: {reason})"
    )


def _existing_file(path: str | os.PathLike) -> Path:
    file = Path(path).expanduser()
    if not file.exists():
        raise CheckpointError(f"{path}: there is no such checkpoint")
    if file.is_dir():
        raise CheckpointError(f"{path}: expected a checkpoint file, found a folder")
    if file.stat().st_size == 0:
        raise CheckpointError(f"{path}: the file is empty")
    return file


def _explain_pickle(path: str | os.PathLike, error: Exception) -> str:
    needed = re.findall(r"GLOBAL ([\w.]+)|`?([\w.]+)`? was not an allowed", str(error))
    names = sorted({name for pair in needed for name in pair if name})
    found = f"the global {', '.join(names)}" if names else "a plain pickle"
    return (
        f"{path}: refused, since it holds pickled objects and loading those can run "
        f"any code. Expected tensors and builtins only, found {found}. If you trust "
        "its source, convert it in an isolated environment (a container without "
        "network): checkpoint = torch.load(FILE, weights_only=False), then "
        "torch.save({'state_dict': checkpoint['state_dict']}, NEW_FILE)"
    )


def read_torch_state(
    path: str | os.PathLike, *, key: str | None = None
) -> dict[str, torch.Tensor]:
    """Read the state dict of a published ``.pth`` file.

    Args:
        path: The file.
        key: Where the state lies in the file, such as ``net_state``; a file that is
            a state dict itself is taken too. None expects that.

    Returns:
        Names to tensors; the ``module.`` that wrappers for several devices put before
        every name is dropped.

    Raises:
        CheckpointError: As :func:`read_torch_file`, or if there is no such state.
    """
    content = read_torch_file(path)
    state = content
    if isinstance(content, dict) and key is not None and key in content:
        state = content[key]
    wanted = "a state dict" if key is None else f"{key!r} or a state dict"
    return _check_state(state, torch.Tensor, path=path, wanted=wanted)


def read_paddle_state(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read a ``.pdparams`` file of Paddle 2 without Paddle.

    It is a pickle of names and arrays with a table of parameter names; large arrays may
    be stored in flat parts.

    Args:
        path: The file.

    Returns:
        The layer's own (structured) names to arrays.

    Raises:
        CheckpointError: If the file is missing, truncated, broken or of another kind,
            or needs pickled code.
    """
    with open(_existing_file(path), "rb") as stream:
        if stream.read(4) == _ZIP:
            raise CheckpointError(
                f"{path}: expected a .pdparams file, found a zip archive, as PyTorch "
                "writes them"
            )
        stream.seek(0)
        content = read_array_pickle(stream, source=str(path))
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path}: expected a dictionary of arrays, found a {type(content).__name__}"
        )
    names = content.pop(_NAMES, {})
    if not isinstance(names, dict):
        raise CheckpointError(f"{path}: expected a table of names {_NAMES!r}")
    _join_parts(content, content.pop(_PARTS, {}), path)
    # Later versions store each tensor as a pair of its parameter name and its array.
    state = {
        name: value[1] if isinstance(value, tuple) and len(value) == 2 else value
        for name, value in content.items()
    }
    return _check_state(
        state, np.ndarray, path=path, wanted="arrays by name (a .pdparams file)"
    )


def _join_parts(content: dict, parts: Any, path: str | os.PathLike) -> None:
    """Put the flat parts of large arrays together, in place."""
    try:
        for name, entry in parts.items():
            pieces = [content.pop(part) for part in entry["slices"]]
            content[name] = np.concatenate(pieces).reshape(entry["OriginShape"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected the parts that {_PARTS!r} lists, found "
            f"{type(error).__name__}: {error}"
        ) from error


def _check_state(
    state: Any, kind: type, *, path: str | os.PathLike, wanted: str
) -> Any:
    if not isinstance(state, dict) or not state:
        found = "nothing" if state == {} else f"a {type(state).__name__}"
        raise CheckpointError(f"{path}: expected {wanted}, found {found}")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, kind):
            raise CheckpointError(
                f"{path}: expected {wanted}, found {reprlib.repr(name)} with a "
                f"{type(value).__name__}"
            )
    wrapped = all(name.startswith("module.") for name in state)
    return {
        name.removeprefix("module.") if wrapped else name: state[name] for name in state
    }


def read_array_list(path: str | os.PathLike) -> list[np.ndarray]:
    """Read a ``.npy`` file with a list of arrays, as Theano programs wrote weights.

    Args:
        path: The file; numpy stores such a list as a pickle.

    Returns:
        The arrays in order.

    Raises:
        CheckpointError: If the file is missing, truncated, broken or of another kind,
            or needs pickled code.
    """
    with open(_existing_file(path), "rb") as stream:
        dtype = _read_npy_header(stream, path)
        if dtype != np.dtype(object):
            raise CheckpointError(
                f"{path}: expected a list of arrays, found one array of {dtype}"
            )
        arrays = read_array_pickle(stream, source=str(path))
    if not isinstance(arrays, list) or not arrays:
        raise CheckpointError(
            f"{path}: expected a list of arrays, found a {type(arrays).__name__}"
        )
    for position, value in enumerate(arrays):
        if not isinstance(value, np.ndarray):
            raise CheckpointError(
                f"{path}: expected a list of arrays, found a {type(value).__name__} at "
                f"position {position}"
            )
    return arrays


def _read_npy_header(stream: Any, path: str | os.PathLike) -> np.dtype:
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(stream)
        if version not in readers:
            raise ValueError(f"version {version}")
        return readers[version](stream)[2]
    except Exception as error:  # numpy raises all kinds for broken headers
        raise CheckpointError(
            f"{path}: expected a .npy file, found {type(error).__name__}: "
            f"{str(error)[:200]}"
        ) from error
