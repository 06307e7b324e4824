# SPDX-License-Identifier: Apache-2.0
"""Batch norms of several processes equal one process's on the whole batch."""

import json
import sys

import pytest
import torch
from torch import nn
from toy_config import environment

from svr3d.models.layers.batch_statistics import batch_moments
from svr3d.models.layers.sync_batch_norm import (
    SyncBatchNorm,
    convert_sync_batch_norm,
)

PROGRAM = """
import json, os, sys
import torch, torch.distributed as dist
from torch import nn
from svr3d.models.layers.batch_share import BatchShare, use_share
from svr3d.models.layers.sync_batch_norm import convert_sync_batch_norm
from contextlib import nullcontext

rank, store, result = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
torch.manual_seed(0)
out = {}
for name, kind, shape, sizes in (
    ("even", nn.BatchNorm1d, (6,), (3, 3)),
    ("uneven", nn.BatchNorm2d, (6, 3, 2), (3, 2)),
    ("volume", nn.BatchNorm3d, (6, 2, 2, 2), (1, 4)),
    ("empty", nn.BatchNorm1d, (6,), (3, 0)),
):
    x = (torch.randn(sum(sizes), *shape, dtype=torch.float64) * 3 + 50).requires_grad_()
    target = torch.randn(sum(sizes), *shape, dtype=torch.float64)
    whole = kind(6).double()
    nn.init.normal_(whole.weight)
    y = whole(x)
    (y * target).sum().backward()
    shared = convert_sync_batch_norm(nn.Sequential(kind(6).double()))[0]
    shared.weight.data.copy_(whole.weight.data)
    own = slice(0, sizes[0]) if rank == 0 else slice(sizes[0], None)
    part = x.detach()[own].clone()
    empty = len(part) == 0
    if empty:
        part = torch.randn(1, *shape, dtype=torch.float64)
    part.requires_grad_()
    with use_share(BatchShare(0, 0, 3)) if empty else nullcontext():
        z = shared(part)
    loss = (z * target[own]).sum() if not empty else z.sum() * 0
    loss.backward()
    weight = shared.weight.grad.clone()
    dist.all_reduce(weight)
    close = dict(
        weight=torch.allclose(weight, whole.weight.grad),
        mean=torch.allclose(shared.running_mean, whole.running_mean),
        var=torch.allclose(shared.running_var, whole.running_var),
        tracked=bool(shared.num_batches_tracked == 1),
    )
    if not empty:
        close.update(
            output=torch.allclose(z, y[own]),
            gradient=torch.allclose(part.grad, x.grad[own], atol=1e-10),
        )
    shared.eval(), whole.eval()
    close["eval"] = torch.allclose(shared(x), whole(x))
    out[name] = close
with open(result, "w") as file:
    json.dump(out, file)
# Threads of gloo may abort a process that just ends.
from svr3d.engine.compat import finish_processes
finish_processes()
"""


@pytest.mark.multiproc
def test_two_processes_equal_one(tmp_path):
    import subprocess

    results = [tmp_path / f"{rank}.json" for rank in (0, 1)]
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), str(tmp_path / "store"), file],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, file in enumerate(results)
    ]
    for program in programs:
        errors = program.communicate(timeout=120)[1]
        assert program.returncode == 0, errors
    for file in results:
        found = json.loads(file.read_text())
        assert set(found) == {"even", "uneven", "volume", "empty"}
        wrong = [
            (n, k) for n, checks in found.items() for k, v in checks.items() if not v
        ]
        assert not wrong


def test_one_process_has_torchs_moments():
    x = torch.randn(4, 3, 5)
    mean, var, count = batch_moments(x, (0, 2))
    torch.testing.assert_close(mean, x.mean(dim=(0, 2)))
    torch.testing.assert_close(var, x.var(dim=(0, 2), correction=0))
    assert count == 20


def test_conversion_keeps_tensors_names_and_subclasses():
    class Special(nn.BatchNorm2d):
        pass

    norm = nn.BatchNorm2d(3, eps=1e-3, momentum=None)
    model = nn.ModuleDict(
        dict(a=norm, same=norm, b=nn.Sequential(nn.BatchNorm1d(2)), c=Special(3))
    )
    names = list(model.state_dict())
    converted = convert_sync_batch_norm(model)
    assert list(converted.state_dict()) == names
    assert type(converted["a"]) is SyncBatchNorm and converted["a"] is converted["same"]
    assert converted["a"].weight is norm.weight and converted["a"].eps == 1e-3
    assert type(converted["c"]) is Special
    x = torch.randn(5, 3, 4, 4)
    reference = nn.BatchNorm2d(3, eps=1e-3, momentum=None)
    torch.testing.assert_close(converted["a"](x), reference(x))
    torch.testing.assert_close(norm.running_var, reference.running_var)
    with pytest.raises(ValueError, match="expected 4 axes"):
        converted["a"](torch.randn(5, 3))
