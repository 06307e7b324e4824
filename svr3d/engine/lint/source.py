# SPDX-License-Identifier: Apache-2.0
"""Rules about the text of a lazy-Python config and of the bases it reads.

mmengine turns every import of such a config into a placeholder, so that calling an
imported object fails with an empty error, and a function survives loading but not
saving. These rules say so with the file, the line and the rule.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from svr3d.engine.lint.problem import Problem

# Builtins that have an effect outside the config, or run code.
_FORBIDDEN = {
    "open",
    "print",
    "exec",
    "eval",
    "input",
    "__import__",
    "compile",
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def lint_source(path: str | Path) -> list[Problem]:
    """Check the text of a config file and of all its bases.

    Args:
        path: A Python config; other formats have no rules here.
    """
    return list(_lint_file(Path(path), seen=set()))


def is_lazy(tree: ast.Module) -> bool:
    """Return whether a config is lazy Python: it has an import or ``read_base``."""
    nodes = list(ast.walk(tree))
    if any(
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "_base_"
        for node in nodes
    ):
        return False
    return any(isinstance(n, (ast.Import, ast.ImportFrom, ast.With)) for n in nodes)


def _lint_file(path: Path, *, seen: set[Path]) -> Iterator[Problem]:
    path = path.resolve()
    if path in seen or path.suffix != ".py":
        return
    seen.add(path)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        yield Problem(f"{path}, line {error.lineno}", f"{error.msg}", rule="syntax")
        return
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(str(path), f"cannot be read: {error}", rule="unreadable")
        return
    if is_lazy(tree):
        yield from _Checker(path, tree).problems()
        for base, line in base_files(path, tree):
            if base is not None and base.is_file():
                yield from _lint_file(base, seen=seen)
            else:
                yield Problem(
                    f"{path}, line {line}",
                    f"the base {base or '(package not found)'} does not exist",
                    rule="base",
                )


def base_files(path: Path, tree: ast.Module) -> list[tuple[Path | None, int]]:
    """Return the files that ``with read_base()`` imports, and the line of each."""
    from svr3d.engine.config import package_folder

    bases = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.With):
            continue
        for item in node.body:
            if not isinstance(item, ast.ImportFrom) or item.module is None:
                continue
            pieces = item.module.split(".")
            if item.level:
                folder = path.parent
                for _ in range(item.level - 1):
                    folder = folder.parent
            else:
                try:
                    folder = Path(package_folder(pieces[0]))
                except Exception:
                    bases.append((None, item.lineno))
                    continue
                pieces = pieces[1:]
            bases.append((folder.joinpath(*pieces).with_suffix(".py"), item.lineno))
    return bases


class _Checker:
    """Walks the syntax tree of one lazy config."""

    def __init__(self, path: Path, tree: ast.Module):
        self.path, self.tree = path, tree
        self.imported: dict[str, int] = {}
        self.found: list[Problem] = []

    def add(self, node: ast.AST, what: str, rule: str, hint: str = "") -> None:
        """Note a problem at a node."""
        where = f"{self.path}, line {getattr(node, 'lineno', '?')}"
        self.found.append(Problem(where, what, hint, rule))

    def problems(self) -> list[Problem]:
        """Return what is wrong, in order of the lines."""
        bases = 0
        inside = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.With):
                bases += 1
                inside |= {id(item) for item in node.body}
                self.check_with(node, bases)
        for node in ast.walk(self.tree):
            if (
                isinstance(node, (ast.Import, ast.ImportFrom))
                and id(node) not in inside
            ):
                self.check_import(node)
        for node in ast.walk(self.tree):
            if isinstance(node, _FUNCTIONS):
                self.add(
                    node,
                    "a config may hold no function or class",
                    "no-functions",
                    "Put it into a module, register it there, and name it here.",
                )
            elif isinstance(node, ast.Call):
                self.check_call(node)
        return sorted(self.found, key=lambda problem: _line(problem.where))

    def check_with(self, node: ast.With, number: int) -> None:
        """Check that a ``with`` block is the one ``read_base`` block."""
        call = node.items[0].context_expr
        name = call.func if isinstance(call, ast.Call) else None
        if not (isinstance(name, ast.Name) and name.id == "read_base"):
            self.add(node, "only 'with read_base():' may stand in a config", "no-with")
            return
        if number > 1:
            self.add(node, "a second 'with read_base():' is ignored", "one-base-block")
        for item in node.body:
            if not isinstance(item, ast.ImportFrom) or item.module is None:
                self.add(
                    item,
                    "read_base holds only 'from .path.to.base import *'",
                    "base-import",
                )

    def check_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Check one import outside ``read_base``."""
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [alias.asname or alias.name for alias in node.names]
            modules = [module]
        else:
            names = [
                alias.asname or alias.name.partition(".")[0] for alias in node.names
            ]
            modules = [alias.name for alias in node.names]
        for name in names:
            self.imported[name] = node.lineno
        for module in modules:
            if module.startswith("mmengine.config"):
                continue
            if module.startswith("."):
                self.add(
                    node,
                    f"the base {module} must be imported in 'with read_base():'",
                    "base-import",
                )
            elif module.partition(".")[0] in sys.stdlib_module_names:
                self.add(
                    node,
                    f"a config may not import {module} (standard library)",
                    "no-standard-library",
                    "Values from outside come by --cfg-options, e.g. data_root=...",
                )
        if isinstance(node, ast.Import) and len(node.names) > 1:
            self.add(node, "import one module per line", "one-import-per-line")
        if "*" in names:
            self.add(node, "'import *' only works in 'with read_base():'", "no-star")
        elif not any(p.where.endswith(f", line {node.lineno}") for p in self.found):
            self.check_resolves(node)

    def check_resolves(self, node: ast.Import | ast.ImportFrom) -> None:
        """Check that an import outside ``read_base`` finds what it names."""
        from svr3d.registry.importing import describe_error
        from svr3d.registry.part_registry import import_object, nearest_names

        if isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            paths = [alias.name for alias in node.names]
        for path in paths:
            try:
                import_object(path) if "." in path else __import__(path)
            except Exception as error:  # foreign modules fail in every way
                module, _, name = path.rpartition(".")
                known = dir(sys.modules[module]) if module in sys.modules else []
                near = nearest_names(name, known)
                hint = f"Did you mean {' or '.join(near)}?" if near else ""
                if not near and isinstance(error, ModuleNotFoundError):
                    hint = "Install it, or set PYTHONPATH to the folder that holds it."
                what = f"cannot import {path}: {describe_error(error)}"
                self.add(node, what, "import", hint)

    def check_call(self, node: ast.Call) -> None:
        """Check that nothing imported, and nothing with an effect, is called."""
        root = node.func
        while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name) or root.id == "read_base":
            return
        if root.id in self.imported:
            self.add(
                node,
                f"{ast.unparse(node.func)}(...) calls the imported {root.id!r}",
                "no-calls",
                "Imports are placeholders in a config: write "
                f"dict(type={ast.unparse(node.func)}, ...), the runner builds it.",
            )
        elif root is node.func and root.id in _FORBIDDEN:
            self.add(node, f"a config may not call {root.id}()", "no-effects")


def _line(where: str) -> int:
    digits = where.rpartition(" ")[2]
    return int(digits) if digits.isdigit() else 0
