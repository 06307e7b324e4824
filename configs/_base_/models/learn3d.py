# SPDX-License-Identifier: Apache-2.0
"""learn3D's networks, renderer and losses without an adversary: the autoencoder.

Source: ``models.py``, ``3D-GAN.py`` and ``train.sh`` of bomb2peng/learn3D. Images are
64 pixels, the mask is their fourth channel.
"""

from svr3d.models.backbones import StridedConvEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.heads import MeshGenerator
from svr3d.models.losses import CodePrior, MeshFlattening, SilhouetteIoU
from svr3d.models.reconstructors import SilhouetteMeshes
from svr3d.renderers import NeuralMeshRenderer

model = dict(
    type=SilhouetteMeshes,
    # Images stay in [0, 1].
    data_preprocessor=dict(
        type=ImagePreprocessor, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    ),
    inputs=("images", "masks"),
    backbone=dict(
        type=StridedConvEncoder,
        out_features=512,
        in_channels=4,
        widths=(64, 128, 256),
        hidden_features=(1024, 1024),
    ),
    head=dict(
        type=MeshGenerator,
        code_features=512,
        hidden_features=(1024, 2048),
        subdivisions=3,
    ),
    renderer=dict(type=NeuralMeshRenderer, image_size=64),
    losses=dict(
        silhouette=dict(type=SilhouetteIoU),
        flattening=dict(type=MeshFlattening, weight=0.001),
        prior=dict(type=CodePrior, weight=1.0),
    ),
    steps=[dict(optimizers=["head", "backbone"])],
)
