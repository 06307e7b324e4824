# SPDX-License-Identifier: Apache-2.0
"""Trains optimisers of parts as one of several processes, on clouds of few points."""

import sys

import torch
import torch.distributed as dist
from torch.optim import SGD

from svr3d.engine.compat import CPUAmpOptimWrapper, finish_processes
from svr3d.engine.distributed import SharedBatchDataParallel
from svr3d.engine.part_optimizers import PartOptimizers
from svr3d.models.backbones import SameConvEncoder
from svr3d.models.losses import PoseCycle, ShapeCycle, SilhouetteBCE
from svr3d.models.point_networks import PoseNetwork, ShapeColorNetwork
from svr3d.models.reconstructors import SelfSupervisedPoints
from svr3d.renderers import PointRenderer

SIZE = 16
# Shares of two processes are 2 and 1, 2 and 2, and 1 and none.
BATCHES = (3, 4, 1)


def small_model():
    """Both networks, with a cloud that is wide enough to be seen."""

    def encoder():
        return SameConvEncoder(8, image_size=SIZE, widths=(4, 8), kernels=(3, 3))

    torch.manual_seed(0)
    shape = ShapeColorNetwork(encoder(), encoder(), num_points=30, hidden_features=8)
    model = SelfSupervisedPoints(
        shape,
        PoseNetwork(encoder(), hidden_features=(8,)),
        PointRenderer(SIZE),
        losses=dict(
            silhouette=SilhouetteBCE(), cycle=ShapeCycle(), pose_cycle=PoseCycle()
        ),
        shape_weights=dict(silhouette=1.0, cycle=10.0),
        pose_weights=dict(silhouette=1.0, pose_cycle=1.0),
        num_views=3,
    )
    for part in model.modules():  # the published start looks alike in all images
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    with torch.no_grad():
        for layer in (*shape.layers, *shape.color_layers, shape.to_points):
            layer.weight *= 4
        shape.to_points.bias.normal_(0, 0.2)
    return model


def train(rank=0, processes=1, *, half=False):
    """Take a step of each batch.

    Returns:
        Losses of all steps, and the weights.
    """
    model = small_model()
    wrapper = dict(optimizer=dict(type=SGD, lr=0.03, momentum=0.9))
    if half:
        wrapper["type"] = CPUAmpOptimWrapper
    if processes > 1:
        if rank:  # weights are those of the first process
            torch.nn.init.ones_(model.shape.to_points.weight)
        model = SharedBatchDataParallel(model)
    optimizers = PartOptimizers({"shape": wrapper, "pose": wrapper})(model)
    torch.manual_seed(1)
    masks = (torch.rand(8, 1, SIZE, SIZE) > 0.5).float()
    images, logs, start = torch.rand(8, 1, 3, SIZE, SIZE), [], 0
    torch.manual_seed(2)
    for size in BATCHES:
        quotient, rest = divmod(size, processes)
        sizes = [quotient + (other < rest) for other in range(processes)]
        first, count = sum(sizes[:rank]), sizes[rank]
        own = slice(start + first, start + first + count)
        own = own if count else slice(start, start + 1)
        if processes > 1:
            model.set_share(first, count, size)
        batch = {"images": images[own], "masks": masks[own], "sample_id": []}
        logs.append(model.train_step(batch, optimizers))
        start += size
    bare = model.module if processes > 1 else model
    logs = [{k: float(v.detach()) for k, v in row.items()} for row in logs]
    return logs, bare.state_dict()


if __name__ == "__main__":
    own_rank, store, result = int(sys.argv[1]), *sys.argv[2:]
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=own_rank, world_size=2
    )
    torch.save([train(own_rank, 2), train(own_rank, 2, half=True)], result)
    finish_processes()
