# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d pack-drc``."""

from svr3d.cli.pack_drc import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
