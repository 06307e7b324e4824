# SPDX-License-Identifier: Apache-2.0
"""Find, load and check configs: the one way in for every tool."""

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from svr3d.engine.config_options import (
    ConfigOptions,
    add_config_arguments,
    apply_options,
)
from svr3d.engine.config_text import config_from_text, config_to_text
from svr3d.errors import ConfigError
from svr3d.registry.part_registry import nearest_names

__all__ = [
    "ConfigOptions",
    "add_config_arguments",
    "apply_options",
    "check_config",
    "check_model",
    "config_folder",
    "config_from_text",
    "config_to_text",
    "find_config",
    "import_custom_modules",
    "load_config",
    "shipped_configs",
]


def config_folder() -> Path | None:
    """Return the folder of the shipped configs, in a wheel or a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / "_base_").is_dir():
            return folder
    return None


def shipped_configs() -> list[str]:
    """Return the names of the shipped configs, such as ``r2n2/res3dgru_custom.py``."""
    folder = config_folder()
    if folder is None:
        return []
    names = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return sorted(name.as_posix() for name in names if "_base_" not in name.parts)


def find_config(name: str | os.PathLike) -> Path:
    """Return the path of a config.

    Args:
        name: A path, or the name of a shipped config: ``r2n2/res3dgru_shapenet.py``,
            with or without ``configs/`` before and ``.py`` after it, or its last part.

    Raises:
        ConfigError: If there is none, with the nearest names.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; expected a config file")
    wanted = Path(name).as_posix().removeprefix("./").removeprefix("configs/")
    wanted = wanted if Path(wanted).suffix else f"{wanted}.py"
    folder, shipped = config_folder(), shipped_configs()
    exact = [known for known in shipped if known == wanted]
    matches = exact or [known for known in shipped if known.endswith(f"/{wanted}")]
    if folder is not None and len(matches) == 1:
        return folder / matches[0]
    near = matches or nearest_names(wanted, shipped)
    hint = f"Did you mean {' or '.join(near)}?" if near else ""
    if not near and shipped:
        hint = f"Shipped configs: {', '.join(shipped)}"
    raise ConfigError(f"There is no config {os.fspath(name)!r}. {hint}".strip())


def load_config(
    path: str | os.PathLike,
    cfg_options: Mapping[str, Any] | None = None,
    *,
    verbose: bool = True,
) -> Config:
    """Read a config file, lazy Python or text form, and apply overrides.

    Modules named in ``custom_imports`` are imported, in both forms.

    Args:
        path: Path or name of a shipped config; see ``find_config``.
        cfg_options: Overrides, dotted path to value; see ``apply_options``.
        verbose: Print which nested values a top-level override replaced.

    Raises:
        ConfigError: If the file is missing or wrong, or an override is.
    """
    file = find_config(path)
    try:
        with _absolute_bases():
            cfg = Config.fromfile(file, import_custom_modules=False)
    except Exception as error:  # mmengine raises all kinds, some without a message
        from svr3d.engine.lint import format_problems, lint_source

        problems = lint_source(file)
        if problems:
            raise ConfigError(format_problems(problems, str(file))) from error
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise ConfigError(f"{file}: cannot be read as a config: {reason}") from error
    apply_options(cfg, cfg_options or {}, verbose=verbose)
    import_custom_modules(cfg)
    return cfg


def check_config(cfg: Config, path: str | os.PathLike | None = None) -> None:
    """Lint a config; takes well under two seconds once torch is imported.

    Args:
        cfg: The loaded config.
        path: Its file, for messages; the one it was loaded from if not given.

    Raises:
        ConfigError: If there is any problem; the message lists all of them.
    """
    from svr3d.engine.lint import format_problems, lint_config

    problems = lint_config(cfg, path)
    if problems:
        name = path or cfg.filename or "the config"
        raise ConfigError(format_problems(problems, str(name)))


def check_model(cfg: Config, source: str) -> None:
    """Lint only the model of a config, such as one from a downloaded checkpoint.

    Besides wrong arguments this refuses a ``type`` that is no part: a config must not
    be able to call any function that is installed.

    Args:
        cfg: The config.
        source: Where it comes from, for messages.

    Raises:
        ConfigError: If there is any problem.
    """
    from svr3d.engine.lint import format_problems, lint_parts

    problems = list(lint_parts({"model": cfg.to_dict().get("model")}))
    if problems:
        raise ConfigError(format_problems(problems, source))


def import_custom_modules(cfg: Config) -> None:
    """Import the modules that a config names in ``custom_imports``.

    Raises:
        ConfigError: If one fails, unless ``allow_failed_imports`` is set.
    """
    custom = cfg.get("custom_imports")
    if not custom:
        return
    if isinstance(custom, dict):
        names = custom.get("imports", [])
        optional = custom.get("allow_failed_imports", False)
    else:
        names, optional = custom, False
    for name in [names] if isinstance(names, str) else names:
        try:
            importlib.import_module(name)
        except Exception as error:  # foreign code
            if not optional:
                raise ConfigError(_explain_import(name, error, cfg)) from error


def _explain_import(name: str, error: Exception, cfg: Config) -> str:
    from svr3d.registry.importing import describe_error

    text = f"custom_imports: {name} fails to import: {describe_error(error)}"
    top = name.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name == top:
        folders = [Path.cwd()]
        if cfg.filename:
            folders.append(Path(cfg.filename).parent)
        for folder in folders:
            if (folder / f"{top}.py").is_file() or (folder / top).is_dir():
                return f"{text}. It lies in {folder}: run with PYTHONPATH={folder}"
        text += ". Install it, or set PYTHONPATH to the folder that holds it"
    return text


@contextlib.contextmanager
def _absolute_bases() -> Iterator[None]:
    """Let ``read_base`` import ``svr3d.configs...`` and bases of other packages.

    mmengine 0.10 finds such packages through ``pkg_resources``, which setuptools 82
    removed. A checkout keeps its configs beside the package, so for svr3d this
    answers with the folder that holds ``configs``.
    """
    import mmengine.config.config as module

    original = module.get_installed_path
    module.get_installed_path = package_folder
    try:
        yield
    finally:
        module.get_installed_path = original


def package_folder(package: str) -> str:
    """Return the folder below which ``package.configs`` is found.

    Raises:
        ConfigError: If there is no such package.
    """
    if package == "svr3d":
        folder = config_folder()
        if folder is not None:
            return str(folder.parent)
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"read_base: there is no package {package!r} on {sys.path}")
    return str(list(spec.submodule_search_locations)[0])
