# SPDX-License-Identifier: Apache-2.0
"""The embedded procedural objects, built by ``make_synthetic`` in the R2N2 layout."""

from mmengine.config import read_base

with read_base():
    from .shapenet_r2n2 import *

data_root = "data/synthetic"

# Small sets: little work per sample, few samples per batch. On two cores a loader
# process would take more from the network's threads (0.31 s a step) than loading in
# turn with it costs (0.26 s).
train_dataloader.merge(
    dict(batch_size=8, num_workers=0, dataset=dict(data_root=data_root))
)
val_dataloader.merge(dict(num_workers=0, dataset=dict(data_root=data_root)))
test_dataloader.merge(dict(num_workers=0, dataset=dict(data_root=data_root)))
