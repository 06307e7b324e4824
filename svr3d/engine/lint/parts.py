# SPDX-License-Identifier: Apache-2.0
"""Check every part of a config against the signature of its class or function."""

import dataclasses
import difflib
import inspect
from collections.abc import Iterator
from typing import Any

from mmengine.registry import Registry

from svr3d.engine.lint.annotations import annotation_text, fits
from svr3d.engine.lint.places import Place, place_of
from svr3d.engine.lint.problem import Problem
from svr3d.engine.lint.signatures import Arguments, arguments_of
from svr3d.registry import PartRegistry, all_registries, import_failures
from svr3d.registry.part_registry import import_object, nearest_names, part_location

_ALWAYS_CONSUMED = {"type", "_scope_"}


def lint_parts(config: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the parts of a config.

    Args:
        config: The config as plain dicts, where a class is itself or its dotted path.
    """
    unknown = False
    for key, value in config.items():
        for problem in _walk(value, (key,), place_of((key,))):
            unknown = unknown or problem.rule == "unknown-type"
            yield problem
    failures = import_failures()
    if unknown and failures:
        hint = "\n".join(f"{name}: {text}" for name, text in failures.items())
        yield Problem(
            "imports",
            "some modules failed to import, so parts may be missing",
            hint,
            "import",
        )


def _walk(value: Any, path: tuple[str, ...], place: Place | None) -> Iterator[Problem]:
    if isinstance(value, (list, tuple)):
        inner = place if place is not None and place.many else None
        for number, item in enumerate(value):
            yield from _walk(item, (*path, str(number)), _one(inner, item))
    elif isinstance(value, dict):
        is_part = "type" in value
        by_name = place is not None and place.many and not is_part
        if is_part or (place is not None and not by_name):
            yield from _check_part(value, path, place)
        for key, item in value.items():
            here = (*path, str(key))
            if by_name:
                yield from _walk(item, here, _one(place, item))
            elif isinstance(item, (dict, list, tuple)):
                yield from _walk(item, here, place_of(here))


def _one(place: Place | None, item: Any) -> Place | None:
    """Return the place of one item of a place that may hold many."""
    if place is not None and isinstance(item, dict):
        return dataclasses.replace(place, many="")
    return place


def _check_part(
    part: dict, path: tuple[str, ...], place: Place | None
) -> Iterator[Problem]:
    where = ".".join(path)
    kind, default = part.get("type"), _default_type(part, path, place)
    if kind is None and default is None:
        if place is not None and not part.get("constructor"):
            name = all_registries()[place.registry].name
            yield Problem(
                where, f"expected a {name}, found no 'type'", rule="missing-type"
            )
        return
    if kind is not None and "by_epoch" in part and path == ("train_cfg",):
        yield Problem(
            f"{where}.by_epoch",
            "give either 'type' or 'by_epoch', not both",
            rule="unknown-keyword",
        )
        return
    found = default if kind is None else None
    if found is None:
        found, problem = _resolve(kind, where, place)
        if problem is not None:
            yield problem
            return
    if kind is not None:
        yield from _check_kind(found, where, place)
        if not _is_part(found):
            name = getattr(found, "__name__", str(found))
            yield Problem(
                f"{where}.type",
                f"{name} is no part, so a config may not call it",
                "Register it: a decorator such as @MODELS.register_module() on it.",
                "not-a-part",
            )
            return
    arguments = arguments_of(found)
    if arguments is not None:
        yield from _check_arguments(part, found, arguments, where, place)


def _default_type(part: dict, path: tuple[str, ...], place: Place | None) -> Any:
    """Return the class that mmengine builds where no type is given."""
    if path == ("train_cfg",) and "type" not in part:
        by_epoch = part.get("by_epoch", "max_iters" not in part)
        name = "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop"
        return import_object(f"mmengine.runner.{name}")
    if place is None or place.default is None or part.get("constructor"):
        return None
    return import_object(place.default)


def _resolve(kind: Any, where: str, place: Place | None) -> tuple[Any, Problem | None]:
    """Return what a ``type`` names, or the problem with it."""
    if not isinstance(kind, str):
        if callable(kind):
            return kind, None
        text = f"expected a class or its name, found {kind!r}"
        return None, Problem(f"{where}.type", text, rule="unknown-type")
    registries = all_registries()
    if "." in kind and kind.partition(".")[0] not in ("svr3d", "mmengine"):
        try:
            return import_object(kind), None
        except Exception as error:  # foreign modules fail in every way
            text = f"cannot import {kind}: {type(error).__name__}: {error}"
            return None, Problem(f"{where}.type", text, _near_in(kind), "import")
    if place is not None:
        for name in (place.registry, *place.also):
            found = registries[name].find(kind)
            if found is not None:
                return found, None
    for registry in registries.values():
        found = registry.find(kind)
        if found is not None:
            return found, None
    registry = registries[place.registry] if place is not None else _AnyRegistry()
    text, *hint = registry.explain_miss(kind, brief=True).splitlines()
    return None, Problem(
        f"{where}.type", text.rstrip("."), "\n".join(hint), "unknown-type"
    )


class _AnyRegistry(PartRegistry):
    """Explains a miss at a place that may hold any part; it is in no tree."""

    def __init__(self):
        super().__init__("part", scope="svr3d")

    def parts(self) -> dict[str, Any]:
        """Return all parts of all registries."""
        found: dict[str, Any] = {}
        for registry in all_registries().values():
            found.update(registry.parts())
        return found


def _near_in(path: str) -> str:
    """Return a hint with the nearest names of the module that a path goes through."""
    module, _, name = path.rpartition(".")
    try:
        near = nearest_names(name, dir(import_object(module)))
    except Exception:
        return ""
    return f"Did you mean {' or '.join(f'{module}.{n}' for n in near)}?" if near else ""


def _holds(registry: Registry, found: Any) -> bool:
    """Return whether a registry or one below it, of any scope, holds something."""
    return any(found is part for part in registry.module_dict.values()) or any(
        _holds(child, found) for child in registry.children.values()
    )


def _is_part(found: Any) -> bool:
    """Return whether something is registered, or a module, optimizer or data set.

    A config may come with a downloaded checkpoint; without this rule it could call
    any function that is installed.
    """
    if any(_holds(registry.root, found) for registry in all_registries().values()):
        return True
    import torch

    bases = (torch.nn.Module, torch.optim.Optimizer, torch.utils.data.Dataset)
    return inspect.isclass(found) and issubclass(found, bases)


def _check_kind(found: Any, where: str, place: Place | None) -> Iterator[Problem]:
    """Check that a registered part stands where its kind belongs."""
    if place is None:
        return
    kinds = [
        (title, registry)
        for title, registry in all_registries().items()
        if _holds(registry.root, found)
    ]
    expected = (place.registry, *place.also)
    if kinds and not any(title in expected for title, _ in kinds):
        wanted = all_registries()[place.registry].name
        name = getattr(found, "__name__", str(found))
        yield Problem(
            f"{where}.type",
            f"{name} is a {kinds[0][1].name}; expected a {wanted}",
            _written(found),
            "wrong-kind",
        )


def _check_arguments(
    part: dict, found: Any, arguments: Arguments, where: str, place: Place | None
) -> Iterator[Problem]:
    name = getattr(found, "__name__", str(found))
    filled = set(place.filled) if place is not None else set()
    consumed = _ALWAYS_CONSUMED | (set(place.consumed) if place is not None else set())
    if "type" not in part:
        consumed.add("by_epoch")
    known = set(arguments.annotations)
    for key, value in part.items():
        if key in consumed or (key in filled and key not in known):
            continue
        if key not in known:
            near = _near_argument(key, known, arguments.open_ended)
            if arguments.open_ended and not near:
                continue
            choices = ", ".join(sorted(known - filled)) or "none"
            hint = (
                f"Did you mean {' or '.join(near)}?" if near else f"It has: {choices}"
            )
            yield Problem(
                f"{where}.{key}",
                f"{name} has no argument {key!r}",
                f"{hint}\n{_written(found)}",
                "unknown-keyword",
            )
        elif not fits(value, arguments.annotations[key]):
            expected = annotation_text(arguments.annotations[key])
            yield Problem(
                f"{where}.{key}",
                f"expected {expected}, found {_short(value)} ({type(value).__name__})",
                _written(found),
                "wrong-type",
            )
    if place is None or not inspect.isclass(found):
        return  # an unknown builder, or a function that is called with data
    for key in sorted(arguments.required - set(part) - filled):
        yield Problem(
            where,
            f"{name} needs the argument {key!r}",
            _written(found),
            "missing-argument",
        )


def _near_argument(key: str, known: set[str], open_ended: bool) -> list[str]:
    """Return the names that were probably meant.

    Where any further name is allowed, only an obvious slip of the pen counts.
    """
    near = nearest_names(key, known)
    if open_ended:
        ratio = difflib.SequenceMatcher
        near = [name for name in near if ratio(None, key, name).ratio() > 0.88]
    return near


def _written(found: Any) -> str:
    name = getattr(found, "__name__", str(found))
    return f"{name} is written in {part_location(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
