# SPDX-License-Identifier: Apache-2.0
"""Published folder layouts that the builder can write, by name."""

from svr3d.preparation.layouts.atlasnet import AtlasNetLayout
from svr3d.preparation.layouts.base import Layout
from svr3d.preparation.layouts.drc import DRCLayout
from svr3d.preparation.layouts.nmr import NMRLayout
from svr3d.preparation.layouts.occnet import OccNetLayout
from svr3d.preparation.layouts.r2n2 import R2N2Layout

LAYOUTS: dict[str, type[Layout]] = {
    "r2n2": R2N2Layout,
    "occnet": OccNetLayout,
    "atlasnet": AtlasNetLayout,
    "drc": DRCLayout,
    "nmr": NMRLayout,
}

__all__ = [
    "LAYOUTS",
    "AtlasNetLayout",
    "DRCLayout",
    "Layout",
    "NMRLayout",
    "OccNetLayout",
    "R2N2Layout",
]
