# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of ssl3d; the same as ``svr3d convert-ssl3d``."""

from svr3d.cli.convert_ssl3d import main
from svr3d.cli.main import run

if __name__ == "__main__":
    run(main)
