# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of learn3D; the same as ``svr3d convert-learn3d``."""

from svr3d.cli.convert_learn3d import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
