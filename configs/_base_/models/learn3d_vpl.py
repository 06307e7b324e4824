# SPDX-License-Identifier: Apache-2.0
"""View prior learning as learn3D's authors wrote it anew, for silhouettes alone.

A discriminator of silhouettes in odd iterations, deceived in even ones; codes have no
prior. Source: the mode ``trainCVPR19`` of bomb2peng/learn3D, ``3D-GAN.py``.
"""

from mmengine.config import read_base

from svr3d.models.adversaries import DCGANDiscriminator, ViewPriorAdversary

with read_base():
    from .learn3d import *

model["losses"].pop("prior")
model.merge(
    dict(
        adversary=dict(
            type=ViewPriorAdversary,
            discriminator=dict(
                type=DCGANDiscriminator, image_size=64, widths=(128, 256, 512, 1024)
            ),
            weight=1.0,
        ),
        steps=[
            dict(
                adversary="discriminate", optimizers=["adversary", "head", "backbone"]
            ),
            dict(adversary="deceive", optimizers=["head", "backbone"]),
        ],
    )
)
