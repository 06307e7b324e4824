# SPDX-License-Identifier: Apache-2.0
"""3D-AE-featGAN by gradient reversal: all networks step in each iteration.

Not published; the classifier is the same.
"""

from mmengine.config import read_base

from svr3d.models.adversaries import ViewClassifier, ViewReversal

with read_base():
    from .learn3d import *

model.merge(
    dict(
        adversary=dict(
            type=ViewReversal,
            classifier=dict(type=ViewClassifier, in_features=512),
            weight=1.0,
        ),
        steps=[
            dict(adversary="discriminate", optimizers=["adversary", "head", "backbone"])
        ],
    )
)
