# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of AtlasNet; the same as ``svr3d convert-atlasnet``."""

from svr3d.cli.convert_atlasnet import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
