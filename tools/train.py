# SPDX-License-Identifier: Apache-2.0
"""Train a model from a config; the same as ``svr3d train``."""

from svr3d.cli.main import run
from svr3d.cli.train import main

if __name__ == "__main__":
    run(main)
