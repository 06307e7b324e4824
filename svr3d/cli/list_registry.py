# SPDX-License-Identifier: Apache-2.0
"""List every part that a config can name, with its file, signature and purpose."""

import argparse
import fnmatch
import inspect
import json
from collections.abc import Sequence
from typing import Any

from svr3d.errors import ConfigError
from svr3d.registry import all_registries, import_parts
from svr3d.registry.part_registry import nearest_names, part_location

_EPILOG = """examples:
  svr3d list-registry                      all parts of svr3d and of plugins
  svr3d list-registry '*GRU*'              those with a matching name
  svr3d list-registry --registry HEADS     one registry
  svr3d list-registry --all --registry HOOKS   with mmengine's own"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "pattern", nargs="?", default="*", help="part name, with * and ? as wildcards"
    )
    parser.add_argument(
        "--registry", metavar="NAME", help="only this one, such as BACKBONES"
    )
    parser.add_argument(
        "--all", action="store_true", help="also the parts that mmengine brings"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def signature_text(part: Any) -> str:
    """Return a part's name and arguments as Python writes them."""
    name = getattr(part, "__name__", repr(part))
    try:
        signature = inspect.signature(part)
    except (TypeError, ValueError):
        return f"{name}(...)"
    text = str(signature.replace(return_annotation=inspect.Signature.empty))
    for module in ("typing.", "collections.abc.", "pathlib."):
        text = text.replace(module, "")
    return f"{name}{text}"


def first_line(part: Any) -> str:
    """Return the first line of a part's docstring."""
    text = inspect.getdoc(part) or ""
    return text.splitlines()[0] if text else "(no docstring)"


def collect(
    pattern: str = "*", *, registry: str | None = None, upstream: bool = False
) -> dict[str, list[dict[str, str]]]:
    """Gather the parts of all registries.

    Args:
        pattern: Name with wildcards; case does not matter.
        registry: Only the registry of this variable name, such as ``BACKBONES``.
        upstream: Also parts that are neither svr3d's nor a plugin's.

    Returns:
        Registry to its parts, each with name, file, signature and doc.

    Raises:
        ConfigError: If there is no such registry.
    """
    registries = all_registries()
    if registry is not None:
        if registry.upper() not in registries:
            near = nearest_names(registry, registries) or sorted(registries)
            raise ConfigError(
                f"There is no registry {registry!r}. Did you mean {', '.join(near)}?"
            )
        registries = {registry.upper(): registries[registry.upper()]}
    result = {}
    for title, holder in registries.items():
        rows = []
        for name, part in sorted(holder.parts().items()):
            package = getattr(part, "__module__", "").partition(".")[0]
            if package in ("mmengine", "torch") and not upstream:
                continue
            if fnmatch.fnmatch(name.lower(), pattern.lower()):
                rows.append(
                    {
                        "name": name,
                        "file": part_location(part),
                        "signature": signature_text(part),
                        "doc": first_line(part),
                    }
                )
        if rows:
            result[title] = rows
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Print the parts.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0 if any part matches, 1 otherwise.
    """
    args = _parser().parse_args(argv)
    failures = import_parts()
    found = collect(args.pattern, registry=args.registry, upstream=args.all)
    if args.json:
        print(json.dumps({"parts": found, "failures": failures}, indent=2))
        return 0 if found else 1
    for title, rows in found.items():
        print(f"{title}\n{'=' * len(title)}")
        for row in rows:
            print(f"{row['signature']}")
            print(f"    {row['doc']}\n    {row['file']}\n")
    for name, text in failures.items():
        print(f"failed to import {name}: {text}")
    if not found:
        print(f"no part matches {args.pattern!r}")
    return 0 if found else 1


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
