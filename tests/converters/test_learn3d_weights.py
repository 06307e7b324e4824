# SPDX-License-Identifier: Apache-2.0
"""Files of learn3D, made by hand, to checkpoints of this package."""

import numpy as np
import pytest
import torch
from torch import nn

from svr3d.converters.learn3d import (
    convert_learn3d,
    learn3d_config,
    learn3d_view_classes,
    read_learn3d,
    restore_learn3d_names,
    template_order,
)
from svr3d.errors import CheckpointError
from svr3d.geometry.template_meshes import icosphere
from svr3d.io.plain_obj import write_plain_obj
from svr3d.models.adversaries import (
    DCGANDiscriminator,
    ViewClassifier,
    ViewConfusion,
    ViewPriorAdversary,
)
from svr3d.models.backbones import StridedConvEncoder
from svr3d.models.heads import MeshGenerator


@pytest.fixture(scope="module")
def template():
    """A sphere of the program: other vertices first, z negated, of another size."""
    vertices, faces = icosphere(1, project_each=True)
    order = np.random.default_rng(0).permutation(len(vertices))
    place = np.argsort(order)
    return vertices[order] * [1, 1, -1], place[faces][:, ::-1]


def make_model(adversary="classifier", mirror_axis=None):
    """Small networks under the names of a whole model."""
    parts = {
        "backbone": StridedConvEncoder(
            6, widths=(2, 4), hidden_features=(5, 7), image_size=8
        ),
        "head": MeshGenerator(
            6, hidden_features=(5, 9), subdivisions=1, mirror_axis=mirror_axis
        ),
    }
    if adversary == "classifier":
        classifier = ViewClassifier(6, 4, hidden_features=(5, 3))
        parts["adversary"] = ViewConfusion(classifier)
    elif adversary == "discriminator":
        critic = DCGANDiscriminator(4, image_size=16, widths=(2, 3, 4))
        parts["adversary"] = ViewPriorAdversary(critic)
    return nn.ModuleDict(parts)


def write_run(folder, model, template):
    """The files that the program writes of such a model."""
    write_plain_obj(folder / "sphere.obj", 3.0 * template[0], template[1])
    names = restore_learn3d_names(model.state_dict(), template[0])
    for network in "EGD":
        own = {k[2:]: v for k, v in names.items() if k.startswith(network)}
        if network == "E":
            for unused in ("muLayer", "logvarLayer"):
                own |= {f"{unused}.weight": torch.ones(6, 7)}
        if own:
            torch.save(own, folder / f"best-{network}.ckpt")
    return folder / "best-E.ckpt"


@pytest.mark.parametrize("adversary", [None, "classifier", "discriminator"])
@pytest.mark.parametrize("mirror_axis", [None, "z"])
def test_files_become_the_model(tmp_path, template, adversary, mirror_axis):
    model = make_model(adversary, mirror_axis)
    path = write_run(tmp_path, model, template)
    state = read_learn3d(path, template=tmp_path / "sphere.obj")
    assert learn3d_view_classes(state) == (4 if adversary else None)
    name = {None: "ae", "classifier": "featgan", "discriminator": "vpl"}[adversary]
    assert learn3d_config(state) == f"learn3d/{name}_cvpr18.py"
    other = make_model(adversary, mirror_axis)
    other.load_state_dict(convert_learn3d(state, other.state_dict()))
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    # A model without an adversary leaves the discriminator out.
    alone = make_model(None, mirror_axis)
    alone.load_state_dict(convert_learn3d(state, alone.state_dict()))


def test_vertices_land_where_the_program_has_them(tmp_path, template):
    """The generator's outputs there are those of the program's vertices."""
    model = make_model(None)
    path = write_run(tmp_path, model, template)
    weights = torch.load(path.with_name("best-G.ckpt"))
    codes = torch.randn(2, 6)
    x = codes
    for layer in ("fclayers.0", "fclayers.2"):
        x = torch.relu(x @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"])
    offsets = x @ weights["bias_layer.weight"].T + weights["bias_layer.bias"]
    theirs = 0.5 * (torch.tensor(template[0]).float() + offsets.view(2, -1, 3))
    ours = model["head"](codes)["vertices"] * torch.tensor([1.0, 1.0, -1.0])
    order = template_order(template[0])
    torch.testing.assert_close(ours, theirs[:, order])


def test_what_does_not_fit(tmp_path, template):
    model = make_model()
    path = write_run(tmp_path, model, template)
    target = model.state_dict()
    state = read_learn3d(path)
    with pytest.raises(CheckpointError, match="program's template"):
        convert_learn3d(state, target)
    with pytest.raises(CheckpointError, match="found 41 vertices"):
        convert_learn3d(state | {"template": template[0][1:]}, target)
    bent = template[0] * [1, 1.1, 1]
    with pytest.raises(CheckpointError, match="within 0.001, found one"):
        convert_learn3d(state | {"template": bent}, target)
    larger = icosphere(2, project_each=True)[0]
    with pytest.raises(
        CheckpointError, match="486 outputs, or as many as .* found 126"
    ):
        convert_learn3d(state | {"template": larger}, target)
    with pytest.raises(CheckpointError, match="expected the encoder's checkpoint"):
        read_learn3d(tmp_path / "best-G.ckpt")
    path.with_name("best-G.ckpt").unlink()
    with pytest.raises(CheckpointError, match="best-G.ckpt"):
        read_learn3d(path)
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match="expected a state dict, found list"):
        read_learn3d(path)
