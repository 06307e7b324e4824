# SPDX-License-Identifier: Apache-2.0
"""What a lint rule finds."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a config."""

    where: str
    """Config path (``model.head.dim``) or ``file, line N``."""

    what: str
    """What was found and what was expected, as a sentence without full stop."""

    hint: str = ""
    """What to do: the nearest name, the file of the class."""

    rule: str = ""
    """Short name of the rule, such as ``unknown-keyword``."""

    def __str__(self) -> str:
        rule = f"  [{self.rule}]" if self.rule else ""
        hint = "".join(f"\n    {line}" for line in self.hint.splitlines())
        return f"{self.where}: {self.what}{rule}{hint}"


def format_problems(problems: Sequence[Problem], name: str) -> str:
    """Return all problems of a config as one message."""
    number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"{name}: {number}"]
    for problem in problems:
        lines += [f"  {line}" for line in str(problem).splitlines()]
    return "\n".join(lines)
