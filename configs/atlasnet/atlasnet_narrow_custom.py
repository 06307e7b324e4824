# SPDX-License-Identifier: Apache-2.0
"""A narrow AtlasNet that sees several views of an object, on own data.

tools/train.py configs/atlasnet/atlasnet_narrow_custom.py --cfg-options data_root=...
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.atlasnet_narrow import *
    from .._base_.runs.narrow_custom_surface import *

protocol.merge(dict(reference="Groueix et al., CVPR 2018, narrow variant"))
