# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d interpolate``."""

from svr3d.cli.interpolate import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
