# SPDX-License-Identifier: Apache-2.0
"""Encoders and mesh generators of learn3D against recorded runs."""

import pytest
import torch
from learn3d_cases import check_gradients, load_parts, near, published_gradients

from svr3d.models.backbones import ConditionalResNet, StridedConvEncoder
from svr3d.models.heads import MeshGenerator
from svr3d.renderers.mesh_renderer import to_renderer_world

# Two linear layers of the program that are never used.
UNUSED = 2 * (1024 * 512 + 512)
ENCODERS = {
    "encoder_4ch_64": (StridedConvEncoder, {}, 20_433_088 - UNUSED),
    "encoder_3ch_128": (
        StridedConvEncoder,
        {"in_channels": 3, "widths": (64, 128, 256, 512), "image_size": 128},
        40_486_016 - UNUSED,
    ),
    "encoder_resnet": (
        ConditionalResNet,
        {"out_features": 512, "linear": False, "normalize": False},
        11_176_512,
    ),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_encoder(golden, golden_dir, name):
    folder = golden_dir / "learn3d" / name
    given, expected = golden.load(folder)
    kind, options, count = ENCODERS[name]
    network = kind(**options)
    assert sum(p.numel() for p in network.parameters()) == count
    holder = load_parts(golden.state_dict(folder), "E.", backbone=network)
    images = torch.from_numpy(given["image"]).float()
    with torch.no_grad():
        near(network.eval()(images), expected["z.eval"], 1e-4)
    codes = network.train()(images)
    near(codes, expected["z.train"], 1e-4)
    loss = (codes * torch.from_numpy(given["probe"])).mean()
    near(loss, expected["loss"], 1e-4)
    loss.backward()
    check_gradients(expected, published_gradients(holder), prefix="E.")
    after = {key for key in expected if key.startswith("after.")}
    assert bool(after) == (kind is ConditionalResNet)
    for key in after:
        value = network.features.get_buffer(key.removeprefix("after.model."))
        near(value, expected[key], 1e-4)


GENERATORS = {
    "mesh_generator": (None, 6_570_886),
    "mesh_generator_symmetry": ("z", 4_630_483),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_mesh_generator(golden, golden_dir, name):
    folder = golden_dir / "learn3d" / name
    given, expected = golden.load(folder)
    mirror_axis, count = GENERATORS[name]
    head = MeshGenerator(mirror_axis=mirror_axis)
    assert sum(p.numel() for p in head.parameters()) == count
    template = given["vertices_base"]
    holder = load_parts(golden.state_dict(folder), "G.", template, head=head)
    order = match(head, template)
    # The same triangles, of the renderer's world: z negated turns them around.
    theirs = {canonical(face) for face in given["faces"].tolist()}
    ours = {canonical(face[::-1]) for face in order[head.faces].tolist()}
    assert ours == theirs
    codes = torch.from_numpy(given["z"]).requires_grad_()
    vertices = torch.zeros(len(codes), *template.shape)
    found = to_renderer_world(head(codes)["vertices"])
    vertices = vertices.index_copy(1, order, found)
    near(vertices, expected["vertices"], 1e-4)
    loss = (vertices * torch.from_numpy(given["probe"])).sum() / len(codes)
    near(loss, expected["loss"], 1e-4)
    loss.backward()
    near(codes.grad, expected["grad_z"], 1e-3)
    grads = published_gradients(holder, template)
    check_gradients(expected, grads, prefix="G.")


def match(head, template):
    """For each vertex of the head the program's."""
    world = to_renderer_world(head.template)
    return torch.cdist(world, torch.from_numpy(template)).argmin(1)


def canonical(face):
    """A face from its smallest vertex on, turning the same way."""
    start = face.index(min(face))
    return tuple(face[start:] + face[:start])
