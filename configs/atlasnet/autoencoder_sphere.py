# SPDX-License-Identifier: Apache-2.0
"""AtlasNet's autoencoder of one sphere; 3,307,267 parameters.

Source: ThibaultGROUEIX/AtlasNet, scripts/launcher.py.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.atlasnet_autoencoder import *
    from .._base_.runs.atlasnet_points import *
