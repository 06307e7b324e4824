# SPDX-License-Identifier: Apache-2.0
"""Lint rules about the text of lazy configs."""

import pytest

from svr3d.engine.lint import lint_source


def lint(folder, text, name="config.py"):
    (folder / name).write_text(text)
    return lint_source(folder / name)


CLEAN = """
from mmengine.config import read_base

with read_base():
    from .base import *

import torch.nn as nn
from torch.optim import Adam

sizes = [2 * i for i in range(3)]
optimizer = dict(type=Adam, lr=1e-3 * len(sizes))
optimizer.update(lr=3)
layers = [dict(type=nn.Linear)]
layers.append(dict(type=nn.ReLU))
"""


def test_clean_config_has_no_problems(tmp_path):
    (tmp_path / "base.py").write_text("x = 1\n")
    assert lint(tmp_path, CLEAN) == []


def test_text_form_is_left_alone(tmp_path):
    assert lint(tmp_path, "_base_ = './other.py'\nx = dict(type='A')\n") == []


@pytest.mark.parametrize(
    ("text", "rule", "line", "words"),
    [
        ("import os\n", "no-standard-library", 1, "may not import os"),
        ("from os import path\n", "no-standard-library", 1, "may not import os"),
        (
            "from torch import nn\ndef f():\n    return 1\n",
            "no-functions",
            2,
            "no function or class",
        ),
        ("from torch import nn\nf = lambda: 1\n", "no-functions", 2, "no function"),
        (
            "from torch import nn\nx = nn.Linear(3, 4)\n",
            "no-calls",
            2,
            "nn.Linear(...)",
        ),
        ("import torch\nx = torch.zeros(3)[0]\n", "no-calls", 2, "'torch'"),
        ("from torch import nn\nx = open('a')\n", "no-effects", 2, "open()"),
        ("from torch.nn import Linea\n", "import", 1, "torch.nn.Linea"),
        ("from no_such_package import A\n", "import", 1, "no_such_package"),
        ("import no_such_package\n", "import", 1, "no_such_package"),
        ("from torch.nn import *\n", "no-star", 1, "import *"),
        ("from .base import *\n", "no-star", 1, "import *"),
        ("from .base import x\n", "base-import", 1, "read_base"),
        ("import torch, mmengine\n", "one-import-per-line", 1, "one module per line"),
        ("from torch import nn\nwith nn.x():\n    pass\n", "no-with", 2, "read_base"),
        (
            "from mmengine.config import read_base\nwith read_base():\n"
            "    from .missing import *\n",
            "base",
            3,
            "missing.py does not exist",
        ),
        ("from torch import nn\nx = = 3\n", "syntax", 2, "invalid syntax"),
    ],
)
def test_rule_names_file_and_line(tmp_path, text, rule, line, words):
    problems = lint(tmp_path, text)
    matching = [problem for problem in problems if problem.rule == rule]
    assert len(matching) == 1, problems
    assert matching[0].where == f"{tmp_path / 'config.py'}, line {line}"
    assert words in matching[0].what


def test_misspelt_class_gives_the_nearest(tmp_path):
    (problem,) = lint(tmp_path, "from torch.optim import Adma\n")
    assert "Did you mean Adam" in problem.hint


def test_bases_are_checked_too(tmp_path):
    (tmp_path / "base.py").write_text("import os\nx = os.environ\n")
    text = CLEAN
    (problem,) = lint(tmp_path, text)
    assert problem.where == f"{tmp_path / 'base.py'}, line 1"


def test_bases_that_import_each_other_end(tmp_path):
    header = "from mmengine.config import read_base\nwith read_base():\n"
    (tmp_path / "base.py").write_text(f"{header}    from .config import *\n")
    assert lint(tmp_path, f"{header}    from .base import *\n") == []
