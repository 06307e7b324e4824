# SPDX-License-Identifier: Apache-2.0
"""Evaluate mean shapes and retrieval; the same as ``svr3d recognition-baselines``."""

from svr3d.cli.main import run
from svr3d.cli.recognition_baselines import main

if __name__ == "__main__":
    run(main)
