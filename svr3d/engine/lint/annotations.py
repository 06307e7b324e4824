# SPDX-License-Identifier: Apache-2.0
"""Whether a config value fits a type annotation."""

import collections.abc
import inspect
import os
import types
import typing
from pathlib import PurePath
from typing import Any

_SEQUENCES = (
    list,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.abc.MutableSequence,
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_ANYTHING = (Any, object, inspect.Parameter.empty)


def fits(value: Any, annotation: Any) -> bool:
    """Return whether a config value can be meant by an annotation.

    Config values are numbers, text, lists, tuples, dictionaries, classes and None.
    Whatever cannot be judged fits: a dictionary may be built into any object, a
    string annotation that cannot be resolved says nothing. Whole numbers fit where a
    float is expected, lists and tuples fit each other, text fits paths.
    """
    if annotation in _ANYTHING or isinstance(annotation, (str, typing.TypeVar)):
        return True
    if annotation is None or annotation is type(None):
        return value is None
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, choice) for choice in typing.get_args(annotation))
    if origin is typing.Literal:
        choices = typing.get_args(annotation)
        return any(value == c and type(value) is type(c) for c in choices)
    if origin is typing.Annotated:
        return fits(value, typing.get_args(annotation)[0])
    if origin is not None:
        return _fits_generic(value, origin, typing.get_args(annotation))
    if not inspect.isclass(annotation):
        return True
    return _fits_class(value, annotation)


def _fits_class(value: Any, cls: type) -> bool:
    if cls is bool:
        return isinstance(value, bool)
    if cls is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if cls is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if cls is str:
        return isinstance(value, str)
    if cls in (list, tuple) or cls in _SEQUENCES:
        return isinstance(value, (list, tuple, set))
    if cls is set or cls is frozenset:
        return isinstance(value, (list, tuple, set, frozenset))
    if cls in _MAPPINGS:
        return isinstance(value, dict)
    if cls is os.PathLike or issubclass(cls, PurePath):
        return isinstance(value, (str, os.PathLike))
    if value is None or (isinstance(value, str) and cls.__name__ == "Tensor"):
        return False
    # Any other class: a dictionary or a name may be built into it.
    return isinstance(value, (dict, str, cls)) or callable(value)


def _fits_generic(value: Any, origin: Any, args: tuple) -> bool:
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return False
        if len(args) == 2 and args[1] is Ellipsis:
            return all(fits(item, args[0]) for item in value)
        if not args or args == ((),):
            return True
        pairs = zip(value, args, strict=False)
        return len(value) == len(args) and all(fits(v, a) for v, a in pairs)
    if origin in _SEQUENCES or origin in (set, frozenset):
        items = isinstance(value, (list, tuple, set, frozenset))
        return items and all(fits(item, args[0]) for item in value if args)
    if origin in _MAPPINGS:
        if not isinstance(value, dict):
            return False
        if len(args) != 2 or "type" in value:
            return True
        return all(fits(k, args[0]) and fits(v, args[1]) for k, v in value.items())
    if origin is type or origin is collections.abc.Callable:
        return callable(value) or isinstance(value, (dict, str))
    return True


def annotation_text(annotation: Any) -> str:
    """Return an annotation as a reader writes it."""
    if annotation is None or annotation is type(None):
        return "None"
    if inspect.isclass(annotation) and typing.get_origin(annotation) is None:
        return annotation.__name__
    text = str(annotation)
    for prefix in ("typing.", "collections.abc.", "pathlib.", "NoneType"):
        text = text.replace(prefix, "None" if prefix == "NoneType" else "")
    return text
