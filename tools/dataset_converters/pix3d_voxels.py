# SPDX-License-Identifier: Apache-2.0
"""Make the voxel grids of Pix3D from its meshes; the same as ``svr3d pix3d-voxels``."""

from svr3d.cli.main import run
from svr3d.cli.pix3d_voxels import main

if __name__ == "__main__":
    run(main)
