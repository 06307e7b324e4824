# SPDX-License-Identifier: Apache-2.0
"""Evaluate a checkpoint and print its table; the same as ``svr3d test``."""

from svr3d.cli.main import run
from svr3d.cli.test import main

if __name__ == "__main__":
    run(main)
