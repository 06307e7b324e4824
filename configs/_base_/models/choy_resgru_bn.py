# SPDX-License-Identifier: Apache-2.0
"""Res3D-GRU-3 with batch norms, the variant of the PyTorch port."""

from mmengine.config import read_base

with read_base():
    from .choy_resgru import *

model.merge(
    dict(
        backbone=dict(
            shortcuts=(
                "none",
                "projection",
                "projection",
                "identity",
                "identity",
                "identity",
            ),
            norm=True,
            activation="join",
        ),
        fusion=dict(norm="torch", max_views=5),
        head=dict(
            depths=(2, 2, 2, 3),
            shortcuts=("identity", "identity", "projection", "projection"),
            norm=True,
            final_norm=False,
            activation="join",
        ),
        # The program loops over views, so its batch norms see one view at a time.
        encode_views="one_by_one",
    )
)
