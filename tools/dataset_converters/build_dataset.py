#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build a data set from a folder of meshes; see ``--help``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from svr3d.cli.build_dataset import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
