# SPDX-License-Identifier: Apache-2.0
"""Stages of training: fusion and refiner come into use after some epochs."""

import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from toy_config import differences, load, training_state

from svr3d.engine.checkpoint import load_model
from svr3d.engine.hooks.start_parts_hook import StartPartsHook
from svr3d.errors import ConfigError
from svr3d.models.fusion import ContextAwareFusion, MeanViewFusion

MODEL = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="ImagePreprocessor"),
    backbone=dict(
        type="FeatureMapEncoder",
        trunk=dict(type="VGGFeatures", stages=((4,), (4,)), frozen=False),
        widths=(4,),
        kernels=(3,),
        pools=(3,),
        image_size=16,
    ),
    head=dict(type="TransposedVoxelDecoder", widths=(2, 4, 2), grid_size=2),
    fusion=dict(type="ContextAwareFusion", in_channels=3, widths=(2,)),
    fuse="volumes",
    refiner=dict(type="VoxelRefiner", widths=(2, 4), resolution=8, hidden_features=4),
    losses=[dict(type="VoxelBCE")],
    refiner_losses=[dict(type="VoxelBCE")],
)
STAGES = dict(type="StartPartsHook", start_epochs=dict(fusion=1, refiner=2))
# Two iterations in each of four epochs.
CHANGES = dict(
    custom_imports=dict(imports=["toy_parts", "toy_images"]),
    model=MODEL,
    train_dataloader=dict(
        batch_size=4, num_workers=0, dataset=dict(type="ToyImages", size=8)
    ),
    val_dataloader=dict(
        batch_size=4, num_workers=0, dataset=dict(type="ToyImages", size=3)
    ),
    val_evaluator=dict(type="VoxelIoU"),
    test_dataloader=dict(
        batch_size=4, num_workers=0, dataset=dict(type="ToyImages", size=3)
    ),
    test_evaluator=dict(type="VoxelIoU"),
    custom_hooks=[STAGES],
    default_hooks__checkpoint=dict(
        type="AtomicCheckpointHook", interval=1, max_keep_ckpts=-1
    ),
)


def changed(one, other, part):
    """Return whether any weight of a part differs between two checkpoints."""
    one, other = one["state_dict"], other["state_dict"]
    names = [name for name in one if name.startswith(part) and name.endswith("weight")]
    assert names
    return any(not torch.equal(one[name], other[name]) for name in names)


def test_parts_come_into_use_at_their_epochs(train_toy):
    folder = train_toy("staged", **CHANGES)
    epochs = [load(folder, f"epoch_{number}.pth") for number in (1, 2, 3, 4)]
    for part, expected in (
        ("fusion", [False, True, True, True]),
        ("refiner", [False, False, True, True]),
    ):
        states = [bool(e["state_dict"][f"{part}._extra_state"]) for e in epochs]
        assert states == expected
        # An epoch trains the parts that are in use in it, and no others.
        pairs = zip(epochs[:-1], epochs[1:], strict=True)
        assert [changed(*pair, part) for pair in pairs] == expected[1:]
    logs = [
        json.loads(line)
        for path in folder.glob("*/vis_data/scalars.json")
        for line in path.read_text().splitlines()
    ]
    refined = ["loss_refined_voxel_bce" in log for log in logs if "loss" in log]
    assert refined == [False] * 4 + [True] * 4


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_resume_across_the_stages_is_exact(train_toy, at):
    reference = training_state(train_toy("reference", **CHANGES))
    trace = dict(type="ToyTrace", signal_at=at)
    folder = train_toy(
        "stopped", code=130, **{**CHANGES, "custom_hooks": [STAGES, trace]}
    )
    assert load(folder)["meta"]["iter"] == at + 1
    train_toy("stopped", "--resume", **CHANGES)
    assert not differences(reference, training_state(folder))


def test_checkpoint_is_used_as_far_as_it_was_trained(train_toy):
    folder = train_toy("staged", **CHANGES)
    early, late = (load_model(folder / f"epoch_{n}.pth")[0] for n in (1, 4))
    images = torch.rand(2, 3, 3, 16, 16)
    for model, in_use in ((early, False), (late, True)):
        assert (model.fusion.in_use, model.refiner.in_use) == (in_use, in_use)
    with torch.no_grad():
        each = early.decode_each(early.encode_each(images))
        mean = torch.sigmoid(each["logits"]).mean(1)
        predicted = early.predict({"images": images}).probabilities
    torch.testing.assert_close(predicted, mean)


def test_stages_that_cannot_be(toy):
    with pytest.raises(ValueError, match="'fusion' to start at epoch 0 or later"):
        StartPartsHook(dict(fusion=-1))

    def runner(distributed=False, **cfg):
        model = torch.nn.Module()
        model.fusion, model.pooling = ContextAwareFusion(), MeanViewFusion()
        return SimpleNamespace(model=model, distributed=distributed, cfg=Config(cfg))

    with pytest.raises(ConfigError, match="'refiner' to be a part .* found NoneType"):
        StartPartsHook(dict(refiner=1)).before_train(runner())
    with pytest.raises(ConfigError, match="'pooling' .* found MeanViewFusion"):
        StartPartsHook(dict(pooling=0)).before_train(runner())
    late = StartPartsHook(dict(fusion=2))
    with pytest.raises(ConfigError, match="find_unused_parameters=True"):
        late.before_train(runner(distributed=True))
    late.before_train(runner(distributed=True, find_unused_parameters=True))
    StartPartsHook(dict(fusion=0)).before_train(runner(distributed=True))
