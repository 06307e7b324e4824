# SPDX-License-Identifier: Apache-2.0
"""A config as text that stands alone, and back, without running any code."""

import ast
import math
from typing import Any

from mmengine.config import Config

from svr3d.errors import ConfigError

_WIDTH = 88


def config_to_text(cfg: Config) -> str:
    """Return a config as Python text with all bases resolved and imports spelt out.

    The text holds assignments of literals and ``dict(...)`` only: classes become their
    dotted path. ``config_from_text`` reads it back, and so does
    ``Config.fromstring(text, '.py')``.

    Raises:
        ConfigError: If a value cannot be written as text, with its path.
    """
    lines = []
    for key, value in cfg.to_dict().items():
        if not str(key).startswith("__"):
            lines.append(f"{key} = {_format(value, str(key), indent=0)}")
    return "\n".join(lines) + "\n"


def config_from_text(text: str, *, source: str = "the config text") -> Config:
    """Read what ``config_to_text`` wrote, as data: nothing is executed or imported.

    Args:
        text: The text, such as the one stored in a checkpoint.
        source: Where it comes from, for messages.

    Raises:
        ConfigError: If it holds anything but assignments of literals and ``dict()``.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ConfigError(f"{source}, line {error.lineno}: {error.msg}") from None
    values = {}
    for node in tree.body:
        if not (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            raise ConfigError(
                f"{source}, line {node.lineno}: expected only NAME = VALUE lines, "
                f"found {ast.unparse(node)[:60]!r}"
            )
        values[node.targets[0].id] = _evaluate(node.value, source)
    return Config(values)


def _evaluate(node: ast.expr, source: str) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_evaluate(item, source) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {
            _evaluate(key, source): _evaluate(value, source)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "dict" and not node.args:
            keywords = [(item.arg, item.value) for item in node.keywords]
            if all(name for name, _ in keywords):
                return {name: _evaluate(value, source) for name, value in keywords}
        if node.func.id == "float" and len(node.args) == 1 and not node.keywords:
            return float(_evaluate(node.args[0], source))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _evaluate(node.operand, source)
        if isinstance(value, (int, float)):
            return -value
    raise ConfigError(
        f"{source}, line {node.lineno}: expected a literal or dict(...), "
        f"found {ast.unparse(node)[:60]!r}"
    )


def _format(value: Any, path: str, *, indent: int) -> str:
    """Return one value as Python text that starts at a column of ``indent``."""
    if isinstance(value, (dict, list, tuple)):
        return _format_container(value, path, indent=indent)
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, str):
        # mmengine reads double braces as a template: spell one of them as a code.
        return repr(value).replace("{{", "{\\x7b")
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", "<locals>")
        if "<" not in name:
            return repr(f"{value.__module__}.{name}")
    raise ConfigError(
        f"{path}: {value!r} of type {type(value).__name__} cannot be written as text; "
        "use numbers, text, lists, dictionaries and classes in configs"
    )


def _format_container(value: Any, path: str, *, indent: int) -> str:
    inner = indent + 4
    if isinstance(value, dict):
        plain = all(isinstance(key, str) and key.isidentifier() for key in value)
        plain = plain and not any(_is_keyword(key) for key in value)
        opening, closing = ("dict(", ")") if plain else ("{", "}")
        items = [
            (f"{key}=" if plain else f"{key!r}: ")
            + _format(item, f"{path}.{key}", indent=inner)
            for key, item in value.items()
        ]
    else:
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        items = [
            _format(item, f"{path}.{place}", indent=inner)
            for place, item in enumerate(value)
        ]
    comma = "," if isinstance(value, tuple) and len(items) == 1 else ""
    line = f"{opening}{', '.join(items)}{comma}{closing}"
    if "\n" not in line and indent + len(line) <= _WIDTH - 20:
        return line
    space = " " * inner
    body = "".join(f"{space}{item},\n" for item in items)
    return f"{opening}\n{body}{' ' * indent}{closing}"


def _is_keyword(name: str) -> bool:
    import keyword

    return keyword.iskeyword(name)
