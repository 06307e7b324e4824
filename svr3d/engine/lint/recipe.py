# SPDX-License-Identifier: Apache-2.0
"""Rules about a config as a whole: what belongs together, and sane numbers."""

import difflib
import inspect
from collections.abc import Iterator
from typing import Any

from svr3d.engine.lint.annotations import annotation_text, fits
from svr3d.engine.lint.problem import Problem
from svr3d.engine.lint.signatures import arguments_of
from svr3d.registry.part_registry import nearest_names

PROTOCOL_KEYS = ("split", "views", "view_selection", "unit", "num_points", "reference")

_POSITIVE = {
    "batch_size",
    "max_epochs",
    "max_iters",
    "max_views",
    "val_interval",
    "accumulative_counts",
}
# Networks of points or grids take no views.
_NOT_NEGATIVE = {"num_workers", "num_views", "lr", "weight_decay", "prefetch_factor"}
_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_TRIPLES = {
    "training": ("train_dataloader", "train_cfg", "optim_wrapper"),
    "validation": ("val_dataloader", "val_cfg", "val_evaluator"),
    "testing": ("test_dataloader", "test_cfg", "test_evaluator"),
}
# Keys that mmengine's runner takes out of a data loader before torch sees it.
_LOADER_EXTRAS = {"dataset", "num_batch_per_epoch", "worker_init_fn", "collate_fn"}


def lint_recipe(config: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with a config as a whole.

    Args:
        config: The config as plain dicts.
    """
    yield from _check_names(config)
    yield from _check_triples(config)
    yield from _check_protocol(config)
    yield from _check_numbers(config, ())
    for name in _LOADERS:
        if isinstance(config.get(name), dict):
            yield from _check_loader(config[name], name)
    if "model" not in config:
        yield Problem("model", "expected a model, found none", rule="missing-key")
    if config.get("default_scope") != "svr3d":
        yield Problem(
            "default_scope",
            f"expected 'svr3d', found {config.get('default_scope')!r}",
            "Without it mmengine does not find parts by their name.",
            "scope",
        )


def _check_names(config: dict[str, Any]) -> Iterator[Problem]:
    """Find top-level keys that are a slip of the pen away from one the runner reads."""
    from mmengine.runner import Runner

    known = set(inspect.signature(Runner.__init__).parameters) - {"self"}
    known |= {"protocol", "custom_imports"}
    for key in config:
        if key in known:
            continue
        near = nearest_names(key, known, number=1)
        if near and difflib.SequenceMatcher(None, key, near[0]).ratio() > 0.9:
            yield Problem(
                key,
                "nothing reads this top-level key",
                f"Did you mean {near[0]}?",
                "unknown-key",
            )


def _check_triples(config: dict[str, Any]) -> Iterator[Problem]:
    for purpose, keys in _TRIPLES.items():
        present = [key for key in keys if config.get(key) is not None]
        if present and len(present) < len(keys):
            missing = [key for key in keys if key not in present]
            yield Problem(
                missing[0],
                f"{purpose} needs {', '.join(keys)} all or none; "
                f"{' and '.join(missing)} missing",
                rule="triple",
            )


def _check_protocol(config: dict[str, Any]) -> Iterator[Problem]:
    protocol = config.get("protocol")
    if not isinstance(protocol, dict):
        found = "none" if protocol is None else repr(protocol)
        yield Problem(
            "protocol",
            f"expected dict({', '.join(f'{key}=...' for key in PROTOCOL_KEYS)}), "
            f"found {found}",
            "Metrics read it and reports print it; None is a valid value.",
            "protocol",
        )
        return
    for key in PROTOCOL_KEYS:
        if key not in protocol:
            near = nearest_names(key, set(protocol) - set(PROTOCOL_KEYS), number=1)
            hint = f"Is {near[0]!r} meant to be it?" if near else ""
            yield Problem(
                f"protocol.{key}", "expected a value, found none", hint, "protocol"
            )


def _check_numbers(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _check_numbers(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _check_numbers(item, (*path, str(number)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and path:
        if path[-1] in _POSITIVE and not value > 0:
            expected = "a positive number"
        elif path[-1] in _NOT_NEGATIVE and not value >= 0:
            expected = "a number that is not negative"
        else:
            return
        yield Problem(
            ".".join(path), f"expected {expected}, found {value!r}", rule="range"
        )


def _check_loader(loader: dict[str, Any], name: str) -> Iterator[Problem]:
    """Check the keys of a data loader, which has no ``type``."""
    from torch.utils.data import DataLoader

    arguments = arguments_of(DataLoader)
    known = set(arguments.annotations) | _LOADER_EXTRAS
    for key, value in loader.items():
        if key not in known:
            near = nearest_names(key, known)
            hint = f"Did you mean {' or '.join(near)}?" if near else ""
            yield Problem(
                f"{name}.{key}",
                f"a data loader has no argument {key!r}",
                hint,
                "unknown-keyword",
            )
        elif key not in _LOADER_EXTRAS:
            annotation = arguments.annotations[key]
            if not isinstance(value, dict) and not fits(value, annotation):
                yield Problem(
                    f"{name}.{key}",
                    f"expected {annotation_text(annotation)}, found {value!r} "
                    f"({type(value).__name__})",
                    rule="wrong-type",
                )
    if "dataset" not in loader:
        yield Problem(name, "expected a 'dataset', found none", rule="missing-key")
