# SPDX-License-Identifier: Apache-2.0
"""Overrides of a config from the command line, with checked paths."""

import argparse
import copy
import os
import sys
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict

from svr3d.engine.config_following import follow, is_imported, nodes_below
from svr3d.engine.config_values import fit_value, parse_value
from svr3d.errors import ConfigError
from svr3d.registry.part_registry import nearest_names


class ConfigOptions(argparse.Action):
    """Argparse action that gathers ``KEY=VALUE`` pairs into a dict of raw text.

    The values stay text here, since what they mean depends on the value that they
    replace; ``apply_options`` parses them.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        """Add the pairs to the namespace; later ones win."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for pair in [values] if isinstance(values, str) else values:
            key, equals, value = pair.partition("=")
            if not equals or not key.strip("+"):
                parser.error(
                    f"argument {option_string}: expected KEY=VALUE, found {pair!r}"
                )
            options[key.strip()] = value
        setattr(namespace, self.dest, options)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options`` to a parser; it lands in ``namespace.cfg_options``."""
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=ConfigOptions,
        default={},
        metavar="KEY=VALUE",
        help="override config values by their dotted path, e.g. "
        "optim_wrapper.optimizer.lr=1e-4 train_dataloader.dataset.pipeline.0.size=64 "
        '\'model.head={"type": "MyHead"}\'. The path must exist; +KEY=VALUE adds one. '
        "A top-level key such as data_root also changes the nested keys that "
        "have its name and value",
    )


def apply_options(
    cfg: Config, options: Mapping[str, Any], *, verbose: bool = True
) -> list[str]:
    """Override values of a config in place.

    Args:
        cfg: The config to change.
        options: Dotted path to value. A ``str`` value is parsed as on the command
            line. A path that begins with ``+`` may be new, and is not checked
            against the type of a present value. Items of a list go by number.
        verbose: Print to stderr which nested values a top-level key replaced.

    Returns:
        The paths of nested values that were replaced because they were copies of an
        overridden top-level value; see :mod:`svr3d.engine.config_following`.

    Raises:
        ConfigError: If a path does not exist, a value has the wrong type, or nothing
            would read the value.
    """
    followed = []
    tree = _root(cfg)
    for key, value in options.items():
        added = key.startswith("+")
        path = key.lstrip("+")
        keys = path.split(".")
        top = keys[0]
        old = copy.deepcopy(_raw(tree, top)) if _has(tree, top) else None
        known = _has(tree, top) and not is_imported(old)
        try:
            _assign(tree, keys, value, path=path, add=added)
        except _PathError as error:
            raise ConfigError(_explain_path(tree, *error.args)) from None
        if known:
            followed += follow(tree, keys, old, force=added)
    if verbose and followed and os.environ.get("RANK", "0") == "0":
        print(f"--cfg-options also set: {', '.join(followed)}", file=sys.stderr)
    return followed


class _PathError(Exception):
    """A path does not exist: (container, missing key, keys before it, path)."""


def _root(cfg: Config) -> ConfigDict:
    """Return the top level of a config as a dict that leaves imports unresolved."""
    return cfg._cfg_dict  # mmengine has no public way to reach it unresolved


def _raw(container: Any, key: str) -> Any:
    """Return a child without turning a lazy import into its object."""
    if isinstance(container, dict):
        return dict.__getitem__(container, key)
    return container[int(key)]


def _has(container: Any, key: str) -> bool:
    if isinstance(container, dict):
        return dict.__contains__(container, key)
    if isinstance(container, (list, tuple)):
        digits = key.lstrip("-")
        return digits.isdigit() and -len(container) <= int(key) < len(container)
    return False


def _assign(tree: Any, keys: list[str], value: Any, *, path: str, add: bool) -> None:
    """Store a value at a path, through dicts, lists and tuples."""
    key, rest = keys[0], keys[1:]
    if not _has(tree, key):
        if not add or not isinstance(tree, dict):
            done = path.split(".")[: len(path.split(".")) - len(keys)]
            raise _PathError(tree, key, done, path)
        if rest:
            tree[key] = ConfigDict()
        else:
            tree[key] = parse_value(value) if isinstance(value, str) else value
            return
    present = _raw(tree, key)
    if rest:
        if isinstance(present, tuple):
            items = list(present)
            _assign(items, rest, value, path=path, add=add)
            new = tuple(items)
        else:
            _assign(present, rest, value, path=path, add=add)
            return
    elif add:
        new = parse_value(value) if isinstance(value, str) else value
    else:
        new = fit_value(value, present, path=path)
        if isinstance(present, dict) and isinstance(new, dict):
            new = dict(new)
            if not new.pop("_delete_", False):
                for name, item in new.items():
                    _assign(present, [name], item, path=f"{path}.{name}", add=False)
                return
    if isinstance(tree, dict):
        tree[key] = ConfigDict._hook(new)
    else:
        tree[int(key)] = ConfigDict._hook(new)


def _explain_path(root: Any, tree: Any, key: str, done: list[str], path: str) -> str:
    """Return the message for a path that does not exist."""
    where = ".".join(done) or "the top level of the config"
    lines = [f"{path}: there is no {key!r} in {where}"]
    last = path.rpartition(".")[2]
    elsewhere = [known for known, _, name, _ in nodes_below(root) if name == last]
    if isinstance(tree, dict):
        values = {str(name): dict.__getitem__(tree, name) for name in dict.keys(tree)}
        names = [name for name in values if not is_imported(values[name])]
        near = [".".join([*done, name]) for name in nearest_names(key, names)]
        near += [known for known in elsewhere if known not in near]
        if not near:
            lines.append(f"It has: {', '.join(sorted(names))[:300]}")
    elif isinstance(tree, (list, tuple)):
        near = elsewhere
        lines.append(f"It is a list of {len(tree)} items, numbered from 0")
    else:
        near = elsewhere
        lines.append(f"It is no dictionary but {tree!r}")
    if near:
        lines.append(f"Did you mean {' or '.join(near[:4])}?")
    lines.append(f"To add a new key write +{path}=...")
    return "\n".join(lines)
