# SPDX-License-Identifier: Apache-2.0
"""All rules of the config lint, in order."""

import os

from mmengine.config import Config

from svr3d.engine.lint.problem import Problem
from svr3d.engine.lint.source import lint_source


def lint_config(cfg: Config, path: str | os.PathLike | None = None) -> list[Problem]:
    """Return everything that is wrong with a config.

    Nothing is built and no device is touched; classes are imported to read their
    signatures. If the text of the config itself breaks a rule, only that is returned,
    since the rest would be noise.

    Args:
        cfg: The loaded config, with overrides applied.
        path: Its file; the one it was loaded from if not given.
    """
    file = path or cfg.filename
    problems = lint_source(file) if file and os.path.isfile(file) else []
    if problems:
        return problems
    from svr3d.engine.lint.parts import lint_parts
    from svr3d.engine.lint.recipe import lint_recipe

    config = {key: value for key, value in cfg.to_dict().items() if key[:2] != "__"}
    return [*lint_recipe(config), *lint_parts(config)]
