# SPDX-License-Identifier: Apache-2.0
"""Checks of a config before anything heavy starts."""

from svr3d.engine.lint.config import lint_config
from svr3d.engine.lint.parts import lint_parts
from svr3d.engine.lint.problem import Problem, format_problems
from svr3d.engine.lint.source import lint_source

__all__ = ["Problem", "format_problems", "lint_config", "lint_parts", "lint_source"]
