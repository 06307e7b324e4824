# SPDX-License-Identifier: Apache-2.0
"""A tiny model as a checkpoint, and renderings of a box to give it."""

import numpy as np
import pytest
import torch

from svr3d.structures import Mesh
from svr3d.visualization import orbit_cameras

CONFIG = """
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='ImagePreprocessor', channel_order='bgr'),
    backbone=dict(
        type='ResidualEncoder',
        widths=(4, 4, 4, 4, 4, 4),
        shortcuts=('none', 'none', 'none', 'none', 'none', 'none'),
        image_size=127,
        out_features=16),
    fusion=dict(type='GRU3D', in_features=16, channels=4, max_views=3),
    head=dict(type='VoxelDecoder', widths=(4, 4), depths=(2,), upsamplings=1))
test_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type='ShapeNetR2N2',
        pipeline=[
            dict(type='CenterCrop', image_size=(127, 127), crop_size=(128, 128)),
            dict(
                type='RandomBackground',
                color_range=((240, 240), (240, 240), (240, 240))),
            dict(type='PackViews'),
        ]))
"""


VOXEL_HEAD = """fusion=dict(type='GRU3D', in_features=16, channels=4, max_views=3),
    head=dict(type='VoxelDecoder', widths=(4, 4), depths=(2,), upsamplings=1))"""
FIELD_HEAD = """head=dict(
        type='OccupancyHead',
        decoder=dict(type='CBNDecoder', code_features=16, hidden_features=8),
        resolution=8,
        upsampling_steps=1))"""
FIELD_CONFIG = CONFIG.replace(VOXEL_HEAD, FIELD_HEAD)


def build_model(seed=0, config=CONFIG):
    """Build the config's model with random weights."""
    from mmengine.registry import MODELS, DefaultScope

    from svr3d.engine.config import config_from_text

    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope("svr3d"):
        return MODELS.build(config_from_text(config).model)


@pytest.fixture
def write_checkpoint(tmp_path):
    """Function that writes a random tiny model in the form of a training run."""

    def write(name="model.pth", *, threshold=None, bias=0.0):
        model = build_model()
        with torch.no_grad():
            # Spread the logits, so that shapes depend on the images.
            model.head.to_logits.weight *= 20
            model.head.to_logits.bias += bias
        scalars = {}
        if threshold is not None:
            values = torch.tensor([0.2, threshold], dtype=torch.float64)
            history = [values, torch.ones(2, dtype=torch.int64), 10]
            scalars["val/voxel/iou_max_threshold"] = {"__history_buffer__": history}
        meta = {"cfg": CONFIG, "dataset_meta": {"categories": ["box", "ball"]}}
        content = {
            "state_dict": model.state_dict(),
            "message_hub": {"log_scalars": scalars},
            "meta": meta,
        }
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def write_field_checkpoint(tmp_path):
    """Function that writes a random tiny occupancy network."""

    def write(*, bias=0.0):
        assert FIELD_CONFIG != CONFIG
        model = build_model(config=FIELD_CONFIG)
        with torch.no_grad():
            for value in model.head.decoder.parameters():
                if value.ndim >= 2:
                    torch.nn.init.normal_(value, std=0.5)
            model.head.decoder.output_layer.bias += bias
        content = {"state_dict": model.state_dict(), "meta": {"cfg": FIELD_CONFIG}}
        torch.save(content, tmp_path / "field.pth")
        return tmp_path / "field.pth"

    return write


@pytest.fixture
def renderings():
    """Four views (137, 137, 4) uint8 RGBA of a coloured triangle pair."""
    from svr3d.ops.rasterize_meshes import rasterize_meshes

    vertices = torch.tensor(
        [[-0.4, -0.3, 0.1], [0.4, -0.3, -0.1], [0.3, 0.4, 0], [-0.4, 0.2, 0.2]]
    )
    mesh = Mesh([vertices], [torch.tensor([[0, 1, 2], [0, 2, 3]])])
    cameras = orbit_cameras([60, 90, 120, 250], radius=0.7, size=137)
    fragments = rasterize_meshes(
        mesh.vertices[0], mesh.faces[0], *cameras, height=137, width=137
    )
    hit = (fragments.face_index >= 0).numpy()
    views = np.zeros((4, 137, 137, 4), np.uint8)
    views[hit, :3] = (fragments.barycentric.numpy()[hit] * 200).astype(np.uint8)
    views[hit, 3] = 255
    return views
