# SPDX-License-Identifier: Apache-2.0
"""Write lists of images that look alike; the same as ``svr3d mine-neighbours``."""

from svr3d.cli.main import run
from svr3d.cli.mine_neighbours import main

if __name__ == "__main__":
    run(main)
