# SPDX-License-Identifier: Apache-2.0
"""The reconstructor that learns meshes from silhouettes, with stand-in parts."""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from torch.optim import SGD

from svr3d.engine.part_optimizers import PartOptimizers
from svr3d.errors import ConfigError
from svr3d.models.adversaries import ViewClassifier, ViewConfusion, ViewReversal
from svr3d.models.reconstructors import SilhouetteMeshes
from svr3d.structures import Mesh

SIZE = 8
LR = 1e-3
PARTS = ("backbone", "head", "adversary")
ALTERNATE = [
    dict(adversary="discriminate", optimizers=["adversary", "head", "backbone"]),
    dict(adversary="confuse", optimizers=["backbone", "head"]),
]


class Head(nn.Module):
    """A tetrahedron whose corners move."""

    faces = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 12)

    def forward(self, codes):
        corners = torch.cat([torch.zeros(1, 3), torch.eye(3)])
        return {
            "vertices": corners + self.layer(codes).unflatten(1, (4, 3)),
            "faces": self.faces,
        }

    def to_structure(self, outputs):
        return Mesh(outputs["vertices"], outputs["faces"])


class Renderer(nn.Module):
    """Blobs around the corners, turned by the azimuth."""

    def forward(self, vertices, faces, views):
        turn = torch.deg2rad(views.angles[..., 0])[..., None, None]
        x, y, z = vertices[:, None].split(1, -1)
        x = x * turn.cos() + z * turn.sin()
        grid = torch.linspace(-1, 1, SIZE)
        far = (x[..., None] - grid).square() + (y[..., None] - grid[:, None]).square()
        return torch.exp(-4 * far).mean(2)


class Difference(nn.Module):
    def forward(self, outputs, batch):
        return (outputs["silhouettes"] - batch["masks"]).square().mean()


class Prior(nn.Module):
    def forward(self, outputs, batch):
        return outputs["codes"].square().sum(1).mean()


def build(adversary="confusion", **changes):
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(4 * SIZE**2, 5))
    classifier = ViewClassifier(5, 3, hidden_features=(6,))
    settings = dict(
        losses=dict(difference=Difference(), prior=Prior()),
        inputs=("images", "masks"),
    )
    if adversary == "confusion":
        settings |= dict(adversary=ViewConfusion(classifier), steps=ALTERNATE)
    elif adversary == "reversal":
        steps = [dict(adversary="discriminate", optimizers=PARTS)]
        settings |= dict(adversary=ViewReversal(classifier), steps=steps)
    return SilhouetteMeshes(backbone, Head(), Renderer(), **settings | changes)


@pytest.fixture
def batch():
    masks = torch.zeros(3, 1, SIZE, SIZE)
    masks[:, :, 2:6, 2:5] = 1
    return {
        "images": torch.rand(3, 1, 3, SIZE, SIZE),
        "masks": masks,
        "view_angles": torch.tensor([[[0.0, 30, 2]], [[-15, 30, 2]], [[-30, 30, 2]]]),
        "view_classes": torch.tensor([[0], [1], [2]]),
        "sample_id": ["a", "b", "c"],
    }


def optimizers(model, *parts):
    config = {name: dict(optimizer=dict(type=SGD, lr=LR)) for name in parts}
    return PartOptimizers(config)(model)


def total_slopes(model, batch):
    """Gradients of the sum of losses, by name; zeros where there are none."""
    losses = model.loss(batch)
    total = sum(value for name, value in losses.items() if "loss" in name)
    pairs = dict(model.named_parameters())
    found = torch.autograd.grad(total, list(pairs.values()), allow_unused=True)
    return {
        name: torch.zeros_like(value) if slope is None else slope
        for (name, value), slope in zip(pairs.items(), found, strict=True)
    }


def test_steps_alternate(batch):
    model = build()
    wrappers = optimizers(model, *PARTS)
    names = ({"loss_discriminate", "view_accuracy"}, {"loss_confuse"})
    for iteration in range(4):
        before = {k: v.detach().clone() for k, v in model.named_parameters()}
        slopes = total_slopes(model, batch)
        logs = model.train_step(batch, wrappers)
        always = {"loss", "loss_difference", "loss_prior"}
        assert set(logs) == always | names[iteration % 2]
        for name, value in model.named_parameters():
            moves = iteration % 2 == 0 or not name.startswith("adversary")
            wanted = before[name] - LR * slopes[name] if moves else before[name]
            torch.testing.assert_close(value, wanted, msg=name)
            assert not moves or slopes[name].any(), name
            assert value.grad is None
    assert model.iteration == 4


def test_step_follows_the_iteration(batch):
    model = build()
    model.iteration = 7
    assert "loss_confuse" in model.loss(batch)
    model.iteration = 8
    assert "loss_discriminate" in model.loss(batch)


def test_reversal_steps_all_at_once(batch):
    model = build("reversal")
    slopes = total_slopes(model, batch)
    before = {k: v.detach().clone() for k, v in model.named_parameters()}
    model.train_step(batch, optimizers(model, *PARTS))
    for name, value in model.named_parameters():
        torch.testing.assert_close(value, before[name] - LR * slopes[name], msg=name)


def test_no_adversary_and_one_optimizer(batch):
    one, parts = build(None), build(None, steps=[dict(optimizers=PARTS[:2])])
    parts.load_state_dict(one.state_dict())
    single = OptimWrapper(SGD(one.parameters(), lr=LR))
    logs = one.train_step(batch, single)
    assert logs.keys() == parts.train_step(batch, optimizers(parts, *PARTS[:2])).keys()
    for key, value in one.state_dict().items():
        torch.testing.assert_close(value, parts.state_dict()[key])


def test_masks_take_the_size_of_silhouettes(batch):
    model = build(None, inputs=("images",))
    model.backbone = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 5))
    wanted = model.loss(batch)["loss_difference"]
    large = batch["masks"].repeat_interleave(2, 2).repeat_interleave(2, 3)
    found = model.loss(batch | {"masks": large[:, :, None]})["loss_difference"]
    torch.testing.assert_close(found, wanted)


def test_codes_and_meshes(batch):
    model = build().eval()
    codes = model.code(batch)
    assert codes.shape == (3, 5)
    meshes, predicted = model.decode(codes), model.predict(batch)
    assert isinstance(predicted, Mesh) and len(predicted) == 3
    assert torch.equal(meshes.vertices[2], predicted.vertices[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "objectives of the adversary .* confuse, found None"),
        ({"steps": [dict(optimizers=PARTS)]}, "expected one with an objective"),
        ({"steps": []}, "steps: expected one or more"),
        (
            {"steps": [dict(adversary="deceive", optimizers=PARTS)]},
            "discriminate, confuse, found",
        ),
        ({"steps": [dict(optimizer=["head"])]}, "found 'optimizer'"),
        ({"steps": [dict(optimizers=[])]}, "one or more names"),
        (
            {"adversary": None, "steps": ALTERNATE},
            "an adversary in the model, found 'discriminate'",
        ),
        ({"inputs": ("images", "depths")}, "inputs: expected some of"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_wrong_optimizers_are_refused(batch):
    model = build()
    model.other = nn.Linear(1, 1)
    for names in (("backbone", "head"), (*PARTS, "other")):
        with pytest.raises(ConfigError, match="adversary, backbone, head"):
            model.train_step(batch, optimizers(model, *names))
    with pytest.raises(ConfigError, match="trains by one optimiser; found PartOpt"):
        optimizers(build(None), "head")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "expected 'images'"),
        ({"images": torch.rand(3, 2, 3, SIZE, SIZE)}, "one view per sample, found 2"),
        ({"masks": torch.rand(3, SIZE, SIZE)}, "masks: expected"),
    ],
)
def test_wrong_batches_are_refused(batch, changes, message):
    batch = {k: v for k, v in (batch | changes).items() if v is not None}
    with pytest.raises(ValueError, match=message):
        build().loss(batch)
