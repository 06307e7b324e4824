# SPDX-License-Identifier: Apache-2.0
"""A registry whose look-up error says what to do."""

import difflib
import importlib
from collections.abc import Callable, Iterable
from typing import Any

from mmengine.registry import Registry

from svr3d.errors import ConfigError
from svr3d.registry.importing import import_failures, import_location, load_plugins


class UnknownPartError(ConfigError, KeyError):
    """A name is in no registry; the message gives the nearest names.

    It is a ``KeyError`` too, because that is what mmengine's registries raise.
    """

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the message's repr


def nearest_names(name: str, candidates: Iterable[str], *, number: int = 3) -> list:
    """Return the candidates that look most like a name, best first.

    Case and underscores are ignored, and a candidate that contains the name (or the
    other way round) counts as near.
    """
    plain = {c: c.lower().replace("_", "").replace("-", "") for c in candidates}
    wanted = name.lower().replace("_", "").replace("-", "")
    scores = {}
    for candidate, text in plain.items():
        score = difflib.SequenceMatcher(None, wanted, text).ratio()
        if len(wanted) > 3 and len(text) > 3 and (wanted in text or text in wanted):
            score = max(score, 0.75)
        scores[candidate] = score
    ranked = sorted(scores, key=lambda c: (-scores[c], c))
    return [candidate for candidate in ranked if scores[candidate] >= 0.6][:number]


def import_object(path: str) -> Any:
    """Return what a dotted path names, such as ``torch.optim.Adam``.

    Raises:
        ImportError: If a module on the path fails to import or lacks the name.
    """
    pieces = path.split(".")
    for split in range(len(pieces) - 1, 0, -1):
        module_name = ".".join(pieces[:split])
        try:
            found = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing == module_name or module_name.startswith(missing + "."):
                continue  # no such module: the rest may be attributes of its parent
            raise
        for piece in pieces[split:]:
            if not hasattr(found, piece):
                raise ImportError(f"{module_name} has no {'.'.join(pieces[split:])}")
            found = getattr(found, piece)
        return found
    raise ImportError(f"there is no module {pieces[0]!r}")


class PartRegistry(Registry):
    """A registry of parts that imports them on first use and explains a miss.

    Args:
        name: What it holds, in the singular; used in messages.
        parent: The mmengine registry whose parts can be found through this one.
        scope: The scope under which mmengine finds this registry.
        locations: Packages whose modules register parts; imported at the first
            look-up. One that fails is remembered and told, the others still serve.
        build_func: Function that builds a part from its config; see mmengine.
    """

    def __init__(
        self,
        name: str,
        build_func: Callable | None = None,
        parent: Registry | None = None,
        scope: str | None = None,
        locations: Iterable[str] = (),
    ):
        super().__init__(name, build_func, parent, scope, list(locations))

    def import_from_location(self) -> None:
        """Import the packages that hold this registry's parts, once."""
        if not self._imported:
            self._imported = True  # first, since a part may look up another
            for location in self._locations:
                import_location(location)

    def find(self, key: str) -> Any | None:
        """Return the part of this name, or None where there is none.

        Args:
            key: A registered name, with or without a scope before it, or the dotted
                path of any class or function.
        """
        try:
            found = super().get(key)
        except RuntimeError:  # mmengine: the dotted path cannot be imported
            found = None
        if found is None and "." in key:
            # A parent registry strips the scope: svr3d.models.X arrives as models.X.
            for path in (key, f"{self.scope}.{key}"):
                try:
                    return import_object(path)
                except Exception:  # told by get, if nothing else serves
                    continue
        return found

    def get(self, key: str) -> Any:
        """Return the part of this name.

        Raises:
            UnknownPartError: If there is none. The message gives the nearest names
                with their files, and what failed to import.
        """
        found = self.find(key)
        if found is None:
            load_plugins()
            found = self.find(key)
        if found is None:
            raise UnknownPartError(self.explain_miss(key))
        return found

    def __contains__(self, key: str) -> bool:
        return self.find(key) is not None

    def parts(self) -> dict[str, Any]:
        """Return all parts that can be named here, own ones first, by name."""
        self.import_from_location()
        parts = dict(self.module_dict)
        ancestor = self.parent
        while ancestor is not None:
            for name, part in ancestor.module_dict.items():
                parts.setdefault(name, part)
            ancestor = ancestor.parent
        return parts

    def explain_miss(self, key: str, *, brief: bool = False) -> str:
        """Return the message for a name that is not there.

        Args:
            key: The name.
            brief: Leave out what failed to import and how to add a part.
        """
        lines = [f"There is no {self.name} named {key!r}."]
        parts = self.parts()
        near = nearest_names(key.rpartition(".")[2], parts)
        if near:
            lines.append("Did you mean:")
            for name in near:
                lines.append(f"  {name}  ({part_location(parts[name])})")
        else:
            known = ", ".join(sorted(parts)) or "none"
            if len(parts) > 20:
                known = f"{len(parts)} parts, which 'svr3d list-registry' prints"
            lines.append(f"Known here: {known}.")
        others = _other_registries(key, self)
        if others:
            lines.append(f"The name is known as: {', '.join(others)}.")
        if "." in key:
            try:
                import_object(key)
            except Exception as error:
                lines.append(f"As a path: {type(error).__name__}: {error}")
        if brief:
            return "\n".join(lines)
        failures = import_failures()
        if failures:
            lines.append("Some modules failed to import, so parts may be missing:")
            lines += [f"  {name}: {text}" for name, text in failures.items()]
        lines.append(
            "Parts of your own: name their module in the config's custom_imports, "
            "import the class in the config, or install a plugin."
        )
        return "\n".join(lines)


def part_location(part: Any) -> str:
    """Return the file and line where a class or function is written."""
    import inspect

    try:
        file = inspect.getsourcefile(part)
        line = inspect.getsourcelines(part)[1]
    except (TypeError, OSError):
        return getattr(part, "__module__", "built in")
    return f"{file}:{line}"


def _other_registries(key: str, registry: Registry) -> list[str]:
    """Name the other registries of svr3d that hold exactly this name."""
    from svr3d.registry import all_registries

    return [
        f"a {other.name}"
        for other in all_registries().values()
        if other is not registry and key in other.parts()
    ]
