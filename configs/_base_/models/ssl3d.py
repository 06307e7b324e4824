# SPDX-License-Identifier: Apache-2.0
"""Self-supervised point clouds: networks, views, losses and weights as published.

Source: ``run.sh`` and ``src/main.py`` of klnavaneet/ssl_3d_recon. The silhouette in
[0, 1] is taken for a logit, and the shape's cycle leaves the last view out, as there.
"""

from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.losses import (
    ImageDifference,
    PoseCycle,
    ShapeCycle,
    SilhouetteAffinity,
    SilhouetteBCE,
)
from svr3d.models.point_networks import PoseNetwork, ShapeColorNetwork
from svr3d.models.reconstructors import SelfSupervisedPoints
from svr3d.renderers import PointRenderer

model = dict(
    type=SelfSupervisedPoints,
    # Images stay in [0, 1], as the networks and the image loss take them.
    data_preprocessor=dict(
        type=ImagePreprocessor, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    ),
    shape=dict(type=ShapeColorNetwork, num_points=1024),
    pose=dict(type=PoseNetwork),
    renderer=dict(type=PointRenderer, image_size=64, sigma_sq=0.4),
    losses=dict(
        image=dict(type=ImageDifference),
        silhouette=dict(type=SilhouetteBCE, form="logits"),
        outside=dict(type=SilhouetteAffinity, direction="outside"),
        uncovered=dict(type=SilhouetteAffinity, direction="uncovered"),
        shape_cycle=dict(type=ShapeCycle),
        pose_cycle=dict(type=PoseCycle),
    ),
    shape_weights=dict(
        image=100.0,
        silhouette=100.0,
        outside=1e-4,
        uncovered=1e-4,
        shape_cycle=1e4,
    ),
    pose_weights=dict(image=1.0, silhouette=1.0, pose_cycle=1.0),
    num_views=4,
    azimuths=(-180.0, 180.0),
    elevations=(-20.0, 40.0),
)
