# SPDX-License-Identifier: Apache-2.0
"""Turn the text of a ``--cfg-options`` value into a Python value."""

import ast
import json
from typing import Any

from svr3d.errors import ConfigError

_WORDS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "none": None,
    "None": None,
    "null": None,
    "inf": float("inf"),
    "+inf": float("inf"),
    "-inf": float("-inf"),
    "nan": float("nan"),
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse_value(text: str) -> Any:
    """Parse one value as a user writes it on a command line.

    Numbers (``3``, ``1e-4``, ``inf``), ``True``/``False``, ``None``, quoted text,
    tuples ``(0.9, 0.999)``, lists ``[1, 2]`` or ``1,2``, dictionaries in Python or JSON
    (``{"type": "Adam", "lr": 1e-3}``), all nested; anything else is text, and text
    inside brackets needs no quotes. Digits with a leading zero, such as the synset
    ``02691156``, stay text.

    Raises:
        ConfigError: If brackets or quotes do not match.
    """
    text = text.strip()
    if text in _WORDS:
        return _WORDS[text]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return _parse_loosely(text)
    if isinstance(value, tuple) and not text.startswith("("):
        return list(value)
    return value


def _parse_loosely(text: str) -> Any:
    """Parse what is no Python literal: JSON, brackets with bare words, or text."""
    if text.startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return _parse_dict(text)
    if text[:1] in ("(", "["):
        if text[-1:] != _CLOSING[text[0]]:
            raise ConfigError(f"the brackets of {text!r} do not match")
        values = [parse_value(piece) for piece in _split(text[1:-1])]
        return tuple(values) if text[0] == "(" else values
    pieces = _split(text)
    if len(pieces) > 1:
        return [parse_value(piece) for piece in pieces]
    return text


def _parse_dict(text: str) -> dict:
    if not text.endswith("}"):
        raise ConfigError(f"the brackets of {text!r} do not match")
    result = {}
    for piece in _split(text[1:-1]):
        key, colon, value = piece.partition(":")
        if not colon:
            raise ConfigError(f"{text!r} is no dictionary: {piece!r} has no ':'")
        result[parse_value(key)] = parse_value(value)
    return result


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside brackets and quotes."""
    pieces, start, depth, quote = [], 0, [], ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _CLOSING:
            depth.append(_CLOSING[letter])
        elif letter in ")]}":
            if not depth or depth.pop() != letter:
                raise ConfigError(f"the brackets of {text!r} do not match")
        elif letter == "," and not depth:
            pieces.append(text[start:place])
            start = place + 1
    if depth:
        raise ConfigError(f"the brackets of {text!r} do not match")
    pieces.append(text[start:])
    pieces = [piece.strip() for piece in pieces]
    return pieces[:-1] if pieces[-1] == "" else pieces  # a trailing comma


def fit_value(new: Any, present: Any, *, path: str) -> Any:
    """Check an override against the value that it replaces, and return what to store.

    Text as typed is parsed, unless text stands there already. Whole numbers and
    fractions may replace each other (the lint checks them against the part's own
    annotation), lists and tuples may too, ``None`` may stand on either side. Any other
    change of type is refused.

    Args:
        new: The override; a ``str`` is parsed.
        present: The value in the config.
        path: The config path, for messages.

    Raises:
        ConfigError: If the type does not fit.
    """
    value = parse_value(new) if isinstance(new, str) else new
    if value is None or present is None:
        return value
    if isinstance(present, str):
        if isinstance(new, str) and not isinstance(value, (list, tuple, dict)):
            quoted = len(new) > 1 and new[0] == new[-1] and new[0] in "'\""
            return value if quoted else new
        if isinstance(new, str):
            # Text with a comma is still text; with brackets it is meant as a list.
            return value if new.strip()[:1] in _CLOSING else new
        return value
    if isinstance(present, bool) or isinstance(value, bool):
        fits = isinstance(present, bool) and isinstance(value, bool)
    elif isinstance(present, (int, float)):
        fits = isinstance(value, (int, float))
        if isinstance(present, int) and isinstance(value, float):
            value = int(value) if value.is_integer() else value  # 1e3 where 5 stood
    elif isinstance(present, (list, tuple)):
        fits = isinstance(value, (list, tuple))
        value = type(present)(value) if fits else value
    elif isinstance(present, dict):
        fits = isinstance(value, dict)
    else:
        fits = isinstance(value, str)  # a class stood here: its name, as text
    if not fits:
        raise ConfigError(
            f"{path}: expected {_describe(present)}, found {new!r}, "
            f"which is {_describe_type(value)}. Write +{path}=... to force it"
        )
    return value


def _describe(present: Any) -> str:
    text = repr(present)
    shown = text if len(text) < 60 else text[:57] + "..."
    return f"{_describe_type(present)} like the present {shown}"


def _describe_type(value: Any) -> str:
    names = {
        bool: "a bool (True or False)",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        tuple: "a tuple",
        type(None): "None",
    }
    if isinstance(value, dict):
        return "a dictionary"
    return names.get(type(value), "the name of a class or function")
