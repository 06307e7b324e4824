# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d print-config``."""

from svr3d.cli.print_config import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
