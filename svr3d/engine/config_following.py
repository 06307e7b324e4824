# SPDX-License-Identifier: Apache-2.0
"""Let the copies of an overridden top-level value follow it.

A config is read before it is overridden, so where it says ``data_root=data_root`` or
``pipeline=train_pipeline`` a nested value is a copy that knows nothing of its origin.
Copies are found by what they hold: a nested value under the same name that is equal to
what the top-level key held, or, for a part or a list of parts, an equal one under any
name.
"""

import copy
from collections.abc import Iterator
from typing import Any

from mmengine.config.lazy import LazyAttr, LazyObject

from svr3d.errors import ConfigError

# Top-level keys that mmengine's runner and the tools read themselves.
_READ = {
    "auto_scale_lr",
    "custom_hooks",
    "custom_imports",
    "data_preprocessor",
    "default_hooks",
    "default_scope",
    "env_cfg",
    "experiment_name",
    "launcher",
    "load_from",
    "log_level",
    "log_processor",
    "model",
    "model_wrapper_cfg",
    "optim_wrapper",
    "param_scheduler",
    "protocol",
    "randomness",
    "resume",
    "test_cfg",
    "test_dataloader",
    "test_evaluator",
    "train_cfg",
    "train_dataloader",
    "val_cfg",
    "val_dataloader",
    "val_evaluator",
    "visualizer",
    "work_dir",
}


def is_imported(value: Any) -> bool:
    """Return whether a config value is a class, a function or a placeholder of one."""
    return callable(value) or isinstance(value, (LazyAttr, LazyObject))


def nodes_below(tree: Any, path: str = "") -> Iterator[tuple[str, Any, str, Any]]:
    """Yield every node below a tree as (path, container, key, value)."""
    if isinstance(tree, dict):
        items = [(str(key), dict.__getitem__(tree, key)) for key in dict.keys(tree)]
    elif isinstance(tree, (list, tuple)):
        items = [(str(place), item) for place, item in enumerate(tree)]
    else:
        return
    for key, value in items:
        here = f"{path}.{key}" if path else key
        yield here, tree, key, value
        yield from nodes_below(value, here)


def follow(tree: dict, keys: list[str], old: Any, *, force: bool = False) -> list[str]:
    """Give the copies of a top-level value its new value.

    Args:
        tree: The top level of the config, already overridden.
        keys: The path of the override; its first key is the top-level one.
        old: What the top-level key held before.
        force: Accept an override that no part reads.

    Returns:
        The paths of the copies.

    Raises:
        ConfigError: If the override would have no effect: neither a tool nor a part
            reads this top-level key, and there is no copy of it.
    """
    name = keys[0]
    new = dict.__getitem__(tree, name)
    nested = [
        node
        for node in nodes_below(tree)
        if "." in node[0]
        and not node[0].startswith(f"{name}.")
        and isinstance(node[1], (dict, list))
    ]
    structure = _has_parts(old)
    copies = [
        (path, container, key)
        for path, container, key, value in nested
        if (structure or key == name) and type(value) is type(old) and value == old
    ]
    if not copies and not force and name not in _READ and _differ(old, new):
        same_name = [(path, value) for path, _, key, value in nested if key == name]
        raise ConfigError(_explain(name, ".".join(keys), old, same_name))
    for _, container, key in copies:
        place = key if isinstance(container, dict) else int(key)
        container[place] = copy.deepcopy(new)
    return [path for path, _, _ in copies]


def _has_parts(value: Any) -> bool:
    """Return whether a value is a part or holds one, so that it is unlike others."""
    if isinstance(value, dict):
        return "type" in value or any(map(_has_parts, dict.values(value)))
    return isinstance(value, (list, tuple)) and any(map(_has_parts, value))


def _differ(old: Any, new: Any) -> bool:
    return type(old) is not type(new) or old != new


def _explain(name: str, path: str, old: Any, same_name: list) -> str:
    text = repr(old) if len(repr(old)) < 60 else f"{repr(old)[:57]}..."
    lines = [
        f"{path}: the override would have no effect: nothing in the config takes its "
        f"value from the top-level {name!r}, which was {text}"
    ]
    if same_name:
        lines.append("Set the ones you mean by their path:")
        lines += [f"  {where}={value!r}" for where, value in same_name[:8]]
    else:
        lines.append("Set the value that you mean by its own path")
    lines.append(f"If a part of yours reads it from the config, write +{path}=...")
    return "\n".join(lines)
