# SPDX-License-Identifier: Apache-2.0
"""All rules of the config lint, in order."""

import os

from mmengine.config import Config

from svr3d.engine.lint.problem import Problem
from svr3d.engine.lint.source import lint_source


def lint_config(cfg: Config, path: str | os.PathLike | None = None) -> list[Problem]:
    """Return everything that is wrong with a config.

    Args:
        cfg: The loaded config, with overrides applied.
        path: Its file; the one it was loaded from if not given.
    """
    file = path or cfg.filename
    return lint_source(file) if file and os.path.isfile(file) else []
