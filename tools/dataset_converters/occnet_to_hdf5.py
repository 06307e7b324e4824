# SPDX-License-Identifier: Apache-2.0
"""Run ``svr3d occnet-to-hdf5``."""

from svr3d.cli.occnet_to_hdf5 import main

if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
