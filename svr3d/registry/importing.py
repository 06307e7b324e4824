# SPDX-License-Identifier: Apache-2.0
"""Import the modules that hold parts, and remember which of them failed."""

import importlib
import importlib.metadata
import pkgutil

PLUGIN_GROUP = "svr3d.plugins"

# Module or entry point -> the error that its import raised, as one line.
_failures: dict[str, str] = {}
_imported: set[str] = set()
_plugins_loaded = False


def import_failures() -> dict[str, str]:
    """Return what failed to import so far: module or entry point to its error."""
    return dict(_failures)


def describe_error(error: BaseException) -> str:
    """Return an error as one line, with its type and the file it was raised in."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    traceback = error.__traceback__
    place = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "importlib" not in code.co_filename and code.co_filename != __file__:
            place = f" ({code.co_filename}, line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    return text + place


def import_module(name: str) -> None:
    """Import one module; a failure is remembered instead of raised."""
    if name in _imported:
        return
    _imported.add(name)
    try:
        importlib.import_module(name)
    except Exception as error:  # a part may fail in any way: name it and go on
        _failures[name] = describe_error(error)
    else:
        _failures.pop(name, None)


def import_tree(package_name: str) -> None:
    """Import a package and all modules below it; failures are remembered."""
    import_module(package_name)
    try:
        package = importlib.import_module(package_name)
    except Exception:  # remembered above
        return
    for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
        name = f"{package_name}.{module.name}"
        if module.ispkg:
            import_tree(name)
        else:
            import_module(name)


def import_location(location: str) -> None:
    """Import a registry's location: all of it if it is ours, else its top module."""
    if location.partition(".")[0] == "svr3d":
        import_tree(location)
    else:
        import_module(location)


def load_plugins() -> dict[str, str]:
    """Load all installed plugins: the entry points of the group ``svr3d.plugins``.

    An entry point names a module (importing it registers its parts) or a function
    without arguments (it is called). Each is loaded once per process; one that fails
    is remembered by name and does not stop the others.

    Returns:
        The plugins that failed, ``plugin NAME of DISTRIBUTION`` to their error.
    """
    global _plugins_loaded
    if not _plugins_loaded:
        _plugins_loaded = True
        for entry in importlib.metadata.entry_points(group=PLUGIN_GROUP):
            owner = entry.dist.name if entry.dist is not None else "?"
            label = f"plugin {entry.name!r} of {owner} ({entry.value})"
            try:
                loaded = entry.load()
                if callable(loaded) and not isinstance(loaded, type):
                    loaded()
            except Exception as error:  # foreign code: name it and go on
                _failures[label] = describe_error(error)
    return {name: text for name, text in _failures.items() if name.startswith("plugin")}


def import_parts() -> dict[str, str]:
    """Import every module of svr3d, mmengine and the plugins that holds parts.

    Afterwards all parts can be named by their bare class name. Costs a few seconds
    (it imports torch and mmengine's runner); done once per process.

    Returns:
        Module or entry point to error, for each that failed to import.
    """
    from svr3d.registry import all_registries

    for registry in all_registries().values():
        registry.import_from_location()
    load_plugins()
    return import_failures()
