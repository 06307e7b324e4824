# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of Occupancy Networks; as ``svr3d convert-occnet``."""

from svr3d.cli.convert_occnet import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
