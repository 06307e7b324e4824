# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d pack-occnet``."""

from svr3d.cli.pack_occnet import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
