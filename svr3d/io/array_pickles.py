# SPDX-License-Identifier: Apache-2.0
"""Read pickles of numpy arrays and builtins; nothing that they name is executed."""

import math
import pickle
import re
import reprlib
from typing import Any, BinaryIO

import numpy as np

from svr3d.errors import CheckpointError

_DTYPE = re.compile(r"(b1|[iu][1248]|f[248]|c8|c16)$")
_HOW_TO_CONVERT = (
    "If you trust its source, load it in an isolated environment (a container without "
    "network) with the program that wrote it, and pickle {name: numpy.asarray(value)}"
)


class ForbiddenGlobal(pickle.UnpicklingError):
    """A pickle asks for a class or function that is neither data nor numpy's.

    Attributes:
        name: What it asks for, as ``module.name``.
    """

    def __init__(self, name: str):
        super().__init__(f"the pickle asks for {name}")
        self.name = name


def read_array_pickle(stream: BinaryIO, *, source: str) -> Any:
    """Read one pickle that holds numpy arrays and builtins only.

    Each global that arrays need is answered by a stand-in that checks its arguments;
    numpy's own functions for unpickling, which trust theirs, are never called. Pickles
    of Python 2 are understood.

    Args:
        stream: A binary stream at the pickle's first byte.
        source: What error messages call the file.

    Returns:
        Dictionaries (ordered ones become plain), lists, tuples, numbers, strings and
        arrays; arrays of objects become lists, of lists where they have more axes.

    Raises:
        CheckpointError: If the pickle asks for any other class or function, is cut
            short or is not a pickle.
    """
    try:
        content = _ArrayUnpickler(stream, encoding="latin1").load()
        return _Finisher(source).finish(content)
    except CheckpointError:
        raise
    except ForbiddenGlobal as error:
        raise CheckpointError(
            f"{source}: refused, since it needs pickled code and running that can do "
            "anything. Expected numpy arrays and builtins only, found the global "
            f"{error.name}. {_HOW_TO_CONVERT}"
        ) from error
    except EOFError as error:
        raise CheckpointError(f"{source}: the file is truncated") from error
    except Exception as error:  # a foreign file makes the reader fail in any way
        if "truncated" in str(error):
            raise CheckpointError(f"{source}: the file is truncated") from error
        reason = str(error).splitlines()[0][:200] if str(error) else ""
        raise CheckpointError(
            f"{source}: expected a pickle of numpy arrays, found a broken or foreign "
            f"file ({type(error).__name__}: {reason})"
        ) from error


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows stand-ins instead of classes and functions."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a global.

        Raises:
            ForbiddenGlobal: If it has none.
        """
        module = _SAME_MODULES.get(module, module)
        found = _STAND_INS.get((module, name))
        if found is None:
            raise ForbiddenGlobal(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references to what lies outside the pickle."""
        raise ForbiddenGlobal(f"the external object {reprlib.repr(pid)}")


class _StandIn:
    """A callable that a pickle can neither change nor look into."""

    __slots__ = ("_make",)

    def __init__(self, make):
        self._make = make

    def __call__(self, *args):
        return self._make(*args)

    def __setstate__(self, state):
        raise pickle.UnpicklingError("expected no state for a global")


class _Dtype:
    """A dtype on its way: kind and size, then the byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, align: Any = False, copy: Any = True):
        code = "O" if code in ("O", "O4", "O8") else code
        if code != "O" and not (isinstance(code, str) and _DTYPE.match(code)):
            raise pickle.UnpicklingError(
                f"expected a dtype of numbers, found {reprlib.repr(code)}"
            )
        self.code, self.order = code, "="

    def __setstate__(self, state):
        order, *structure = state[1:5]
        if order not in ("<", ">", "=", "|") or structure != [None] * 3:
            raise pickle.UnpicklingError(
                f"expected a plain dtype, found {reprlib.repr(state)}"
            )
        self.order = order

    def build(self) -> np.dtype:
        return np.dtype(self.code).newbyteorder(self.order)


class _Array:
    """An array on its way: numpy sends its content after the empty object."""

    __slots__ = ("value",)

    def __init__(self, value: np.ndarray | list | None = None):
        self.value = value

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state
        self.value = _decode(content, dtype, shape, "F" if fortran else "C")


def _decode(content: Any, dtype: Any, shape: Any, order: str) -> np.ndarray | list:
    """Return the array of numpy's own record of it; a list if it holds objects."""
    if not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise pickle.UnpicklingError("expected a dtype and the order C or F")
    if not isinstance(shape, tuple) or not all(
        type(n) is int and n >= 0 for n in shape
    ):
        raise pickle.UnpicklingError(f"expected a shape, found {reprlib.repr(shape)}")
    if dtype.code == "O":
        if not isinstance(content, list) or math.prod(shape) != len(content):
            raise pickle.UnpicklingError(
                f"expected as many objects as fill the shape {shape}"
            )
        return _rows(content, shape)
    if isinstance(content, str):  # Python 2 wrote bytes as text
        content = content.encode("latin1")
    if not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("expected an array's content as bytes")
    stored = dtype.build()
    if len(content) != math.prod(shape) * stored.itemsize:
        raise pickle.UnpicklingError(
            f"expected {math.prod(shape)} elements of {stored}, "
            f"found {len(content)} bytes"
        )
    array = np.frombuffer(content, stored).reshape(shape, order=order)
    return np.array(array, dtype=stored.newbyteorder("="), order="C")


def _rows(content: list, shape: tuple[int, ...]) -> list:
    """Return objects, which numpy lists row by row, as lists of lists."""
    for size in reversed(shape[1:]):
        if size == 0:
            raise pickle.UnpicklingError(f"expected objects, found the shape {shape}")
        content = [content[i : i + size] for i in range(0, len(content), size)]
    return content


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("expected a plain ndarray, found a subclass")
    return _Array()


def _frombuffer(content: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    return _Array(_decode(content, dtype, shape, order))


def _scalar(dtype: Any, content: Any) -> Any:
    value = _decode(content, dtype, (1,), "C")
    return value[0].item() if isinstance(value, np.ndarray) else value[0]


def _encode(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("expected text that stands for bytes")
    return text.encode("latin1")


def _no_instances(*args: Any) -> None:
    raise pickle.UnpicklingError("expected no call of ndarray itself")


def _container(kind: type, allowed: tuple[type, ...]):
    def make(*args):
        if len(args) > 1 or not all(isinstance(item, allowed) for item in args):
            raise pickle.UnpicklingError(f"expected the items of a {kind.__name__}")
        return kind(*args)

    return _StandIn(make)


# Names before numpy 2 and in Python 3.
_SAME_MODULES = {
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
    "__builtin__": "builtins",
}
_NDARRAY = _StandIn(_no_instances)
_STAND_INS = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _StandIn(_Dtype),
    ("numpy.core.multiarray", "_reconstruct"): _StandIn(_reconstruct),
    ("numpy.core.multiarray", "scalar"): _StandIn(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _StandIn(_frombuffer),
    ("_codecs", "encode"): _StandIn(_encode),
    ("collections", "OrderedDict"): _container(dict, (list,)),
    ("builtins", "bytes"): _container(bytes, ()),  # empty ones, in old protocols
    ("builtins", "dict"): _container(dict, (list,)),
    ("builtins", "list"): _container(list, (list, tuple)),
    ("builtins", "tuple"): _container(tuple, (list, tuple)),
    ("builtins", "bytearray"): _container(bytearray, (bytes,)),
}


class _Finisher:
    """Puts the arrays into the place of what stood for them while reading."""

    def __init__(self, source: str):
        self._source = source
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()

    def finish(self, value: Any) -> Any:
        """Return a value with all stand-ins replaced, shared parts only once."""
        if not isinstance(value, dict | list | tuple | _Array | _Dtype | _StandIn):
            return value
        key = id(value)
        if key in self._open:
            raise CheckpointError(f"{self._source}: expected data without loops")
        if key not in self._done:
            self._open.add(key)
            self._done[key] = self._replace(value)
            self._open.remove(key)
        return self._done[key]

    def _replace(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.finish(k): self.finish(item) for k, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.finish(item) for item in value)
        if isinstance(value, _Array):
            if isinstance(value.value, np.ndarray):
                return value.value
            if isinstance(value.value, list):
                return self.finish(value.value)
        raise CheckpointError(
            f"{self._source}: expected arrays and builtins, found part of an array"
        )
