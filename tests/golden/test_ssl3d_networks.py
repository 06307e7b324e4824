# SPDX-License-Identifier: Apache-2.0
"""The networks of self-supervised point clouds against recorded runs."""

import numpy as np
import torch
from ssl3d_cases import (
    channels_first,
    channels_last,
    check,
    load_parts,
    published_gradients,
)

from svr3d.converters.ssl3d import ssl3d_key_map
from svr3d.models.point_networks import PoseNetwork, ShapeColorNetwork


def watch(holder, names):
    """Keep the outputs of layers by published name, after their ReLU."""
    seen = {}

    def hook(name, last):
        def keep(module, args, output):
            seen[name] = output if last else output.relu()

        return keep

    for module, theirs in names.items():
        last = module.endswith(("to_points", "to_colors", "last_layer"))
        holder.get_submodule(module).register_forward_hook(hook(theirs, last))
    return seen


def layers(holder):
    names = {
        source.name.removesuffix(".bias"): name.split("/")[1]
        for name, source in ssl3d_key_map(holder.state_dict()).items()
        if name.endswith("/b")
    }
    return watch(holder, names)


def check_norms(expected, holder, state):
    grads = published_gradients(holder)
    found = [grads[name].norm().item() for name in state]
    np.testing.assert_allclose(found, expected["grad_norms"], rtol=1e-3)
    return grads


def test_shape_network(golden, golden_dir):
    folder = golden_dir / "ssl3d" / "recon_net"
    given, expected = golden.load(folder)
    state = golden.state_dict(folder)
    network = ShapeColorNetwork()
    assert sum(p.numel() for p in network.parameters()) == 4_445_312
    holder = load_parts(state, shape=network)
    seen = layers(holder)
    images = channels_first(given["image"]).requires_grad_()
    outputs = network(images)
    check(expected, "xyz", outputs["points"], 1e-4, 1e-5)
    check(expected, "rgb", outputs["colors"], 1e-4, 1e-5)
    assert len(seen) == 15
    for name, value in seen.items():
        check(expected, f"act.{name}", channels_last(value), 1e-4, 1e-5)
    check(expected, "enc_feat", network.encode(images), 1e-4, 1e-5)
    pulls = [torch.from_numpy(given[f"weight_{key}"]) for key in ("xyz", "rgb")]
    value = (outputs["points"] * pulls[0]).sum() + (outputs["colors"] * pulls[1]).sum()
    value.backward()
    grads = check_norms(expected, holder, state)
    recorded = {key.split(".")[1] for key in expected if key.startswith("grad.")}
    for name in recorded - {"image"}:
        largest = float(grads[f"recon_net/{name}"].abs().max())
        check(
            expected, f"grad.{name}", grads[f"recon_net/{name}"], 1e-3, 1e-5 * largest
        )
    slope = channels_last(images.grad)
    check(expected, "grad.image", slope, 1e-3, 1e-5 * float(slope.abs().max()))


def test_pose_network(golden, golden_dir):
    folder = golden_dir / "ssl3d" / "pose_net"
    given, expected = golden.load(folder)
    state = golden.state_dict(folder)
    network = PoseNetwork()
    assert sum(p.numel() for p in network.parameters()) == 1_470_402
    holder = load_parts(state, pose=network)
    seen = layers(holder)
    images = channels_first(given["image"]).requires_grad_()
    poses = network(images)
    check(expected, "pose", poses, 1e-4, 1e-5)
    assert len(seen) == 8
    for name, value in seen.items():
        check(expected, f"act.{name}", channels_last(value), 1e-4, 1e-5)
    (poses * torch.from_numpy(given["weight_pose"])).sum().backward()
    check_norms(expected, holder, state)
    slope = channels_last(images.grad)
    check(expected, "grad.image", slope, 1e-3, 1e-5 * float(slope.abs().max()))
