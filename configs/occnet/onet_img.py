# SPDX-License-Identifier: Apache-2.0
"""The image model of Occupancy Networks, as its repository's table has it.

Source: configs/img/onet.yaml of autonomousvision/occupancy_networks.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.onet import *
    from .._base_.runs.occnet import *

    # After the run, whose test it replaces.
    from .._base_.evaluation.onet_img import *  # isort: skip
