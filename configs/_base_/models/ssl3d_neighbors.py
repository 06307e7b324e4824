# SPDX-License-Identifier: Apache-2.0
"""The networks of ssl3d.py, whose clouds explain the mask of a similar object too.

Source: ``multiple_mask_main.py`` of klnavaneet/ssl_3d_recon with ``--use_mult_proj``.
"""

from mmengine.config import read_base

with read_base():
    from .ssl3d import *

_neighbors = ("neighbor_silhouettes", "neighbor_masks")
neighbor_terms = dict(
    neighbors=True,
    losses=dict(
        neighbor_silhouette=dict(type=SilhouetteBCE, form="logits", keys=_neighbors),
        neighbor_outside=dict(
            type=SilhouetteAffinity, direction="outside", keys=_neighbors
        ),
        neighbor_uncovered=dict(
            type=SilhouetteAffinity, direction="uncovered", keys=_neighbors
        ),
    ),
    shape_weights=dict(
        neighbor_silhouette=100.0, neighbor_outside=1e-4, neighbor_uncovered=1e-4
    ),
)
model.merge(neighbor_terms)
