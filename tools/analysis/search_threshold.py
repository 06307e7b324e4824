# SPDX-License-Identifier: Apache-2.0
"""Find the best threshold; the same as ``svr3d search-threshold``."""

from svr3d.cli.main import run
from svr3d.cli.search_threshold import main

if __name__ == "__main__":
    run(main)
