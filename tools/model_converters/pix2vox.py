# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of Pix2Vox; the same as ``svr3d convert-pix2vox``."""

from svr3d.cli.convert_pix2vox import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
