# SPDX-License-Identifier: Apache-2.0
"""What arguments a part takes."""

import dataclasses
import functools
import inspect
import sys
import types
import typing
from typing import Any

from torch import nn

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """The arguments that a class or function takes by name."""

    required: frozenset[str]
    annotations: dict[str, Any]
    """Name to annotation; ``inspect.Parameter.empty`` where there is none."""
    open_ended: bool
    """Whether it takes further names, through ``**kwargs`` of its own."""


@functools.cache
def arguments_of(part: Any) -> Arguments | None:
    """Return the arguments of a class or function, or None if they cannot be known.

    A class whose ``__init__`` passes ``**kwargs`` on to its base also takes what that
    base takes, up to the first ``__init__`` without ``**kwargs``.
    """
    if not inspect.isclass(part):
        return _arguments([part], constructors=False)
    # Modules take nothing: the ``**kwargs`` of their base only serve an error text, and
    # torch.compile puts another constructor in its place.
    is_module = issubclass(part, nn.Module)
    constructors = [
        cls.__init__
        for cls in part.__mro__
        if "__init__" in vars(cls) and cls not in (object, nn.Module)
    ]
    if not constructors and is_module:
        return Arguments(frozenset(), {}, False)
    if not constructors:  # made by __new__ or by a metaclass, or without arguments
        return _arguments([part], constructors=False)
    found = _arguments(constructors, constructors=True)
    if found is None or not is_module:
        return found
    return dataclasses.replace(found, open_ended=False)


def _arguments(chain: list[Any], *, constructors: bool) -> Arguments | None:
    required, annotations = set(), {}
    for place, function in enumerate(chain):
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # written in C
            return None
        if constructors and inspect.isfunction(function):
            parameters = parameters[1:]  # self
        hints = _hints(function)
        open_ended = False
        for parameter in parameters:
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                open_ended = True
            elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
                hint = hints.get(parameter.name, parameter.annotation)
                if parameter.name not in annotations:
                    annotations[parameter.name] = hint
                    # A subclass passes its base's required arguments itself.
                    if place == 0 and parameter.default is inspect.Parameter.empty:
                        required.add(parameter.name)
        if not open_ended:
            return Arguments(frozenset(required), annotations, False)
    return Arguments(frozenset(required), annotations, True)


def _hints(function: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:  # one annotation names what only a type checker imports
        pass
    hints = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        if isinstance(annotation, str):
            try:
                annotation = typing.get_type_hints(
                    types.SimpleNamespace(__annotations__={name: annotation}),
                    vars(sys.modules[function.__module__]),
                )[name]
            except Exception:  # this one: no check for it
                continue
        hints[name] = annotation
    return hints
