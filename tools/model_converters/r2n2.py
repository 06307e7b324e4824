# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of 3D-R2N2; the same as ``svr3d convert-r2n2``."""

from svr3d.cli.convert_r2n2 import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
