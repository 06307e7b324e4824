# SPDX-License-Identifier: Apache-2.0
"""One way to evaluate, for models of any config."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from svr3d.engine.config import config_folder, load_config
from svr3d.engine.config_text import config_from_text, config_to_text
from svr3d.errors import ConfigError
from svr3d.registry.part_registry import nearest_names


def find_evaluation(name: str | os.PathLike) -> Path:
    """Return the path of a file that says how to evaluate.

    Args:
        name: A path, or the name of one of ``configs/_base_/evaluation``, with or
            without ``.py``.

    Raises:
        ConfigError: If there is none, with the nearest names.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    root = config_folder()
    folder = None if root is None else root / "_base_" / "evaluation"
    known = [] if folder is None else sorted(file.stem for file in folder.glob("*.py"))
    if folder is not None and path.name == str(name) and path.stem in known:
        return folder / f"{path.stem}.py"
    near = nearest_names(path.stem, known) or known
    raise ConfigError(
        f"--evaluation {os.fspath(name)}: expected a file or one of the shipped ones; "
        f"nearest: {', '.join(near)}"
    )


def replace_evaluation(cfg: Config, name: str | os.PathLike) -> None:
    """Let a config be tested as a file says, in place.

    The file is a config with ``test_evaluator``, and perhaps with ``protocol``, which
    replaces the config's, and with ``test_dataset``, whose entries replace those of
    the test data set. So methods of different configs are tested by the same metrics
    and stand in one table.

    Args:
        cfg: The config of a model, with ``test_dataloader``.
        name: See :func:`find_evaluation`.

    Raises:
        ConfigError: If there is no such file, it has no ``test_evaluator``, or the
            config no test data set to merge into.
    """
    path = find_evaluation(name)
    # As text, as the config of a checkpoint is: classes by their paths.
    found = config_from_text(config_to_text(load_config(path)), source=str(path))
    if not found.get("test_evaluator"):
        raise ConfigError(f"{path}: expected test_evaluator, found none")
    cfg.test_evaluator = found.test_evaluator
    if "protocol" in found:
        cfg.protocol = found.protocol
    if "test_dataset" in found:
        loader = cfg.get("test_dataloader")
        if not isinstance(loader, Mapping) or "dataset" not in loader:
            raise ConfigError(
                f"{path}: test_dataset: expected a config with test_dataloader.dataset"
            )
        loader["dataset"].update(found.test_dataset)
