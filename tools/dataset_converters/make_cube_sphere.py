# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d make-cube-sphere``."""

from svr3d.cli.make_cube_sphere import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
