# SPDX-License-Identifier: Apache-2.0
"""3D-AE-featGAN: a classifier of views in odd iterations, confused in even ones.

As wide as the training data has view classes. Source: ``train.sh`` of
bomb2peng/learn3D, ``--G_every=2 --lambda_adv=1``.
"""

from mmengine.config import read_base

from svr3d.models.adversaries import ViewClassifier, ViewConfusion

with read_base():
    from .learn3d import *

model.merge(
    dict(
        adversary=dict(
            type=ViewConfusion,
            classifier=dict(type=ViewClassifier, in_features=512),
            weight=1.0,
        ),
        steps=[
            dict(
                adversary="discriminate", optimizers=["adversary", "head", "backbone"]
            ),
            dict(adversary="confuse", optimizers=["backbone", "head"]),
        ],
    )
)
