# SPDX-License-Identifier: Apache-2.0
"""Every shipped backbone under every shipped head: one step, one prediction."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

import svr3d.models
from svr3d.models.heads.query_head import QueryHead
from svr3d.registry import BACKBONES, HEADS, METRICS
from svr3d.structures import Mesh, OccupancyField, PointCloud, Voxels

WIDTH = 8
PIXELS = 32
VGG = dict(type="VGGFeatures", stages=((4,), (4,)), frozen=False)
IMAGES = {
    "ConditionalResNet": dict(depth=18, out_features=WIDTH),
    "EfficientNetEncoder": dict(variant="b0", out_features=WIDTH),
    "FeatureMapEncoder": dict(
        trunk=VGG, widths=(WIDTH,), kernels=(1,), pools=(16,), image_size=PIXELS
    ),
    "ResidualEncoder": dict(
        widths=(4, 4),
        shortcuts=("none", "identity"),
        image_size=PIXELS,
        out_features=WIDTH,
    ),
    "SameConvEncoder": dict(
        out_features=WIDTH, image_size=PIXELS, widths=(4, 8), kernels=(3, 5)
    ),
    "SimpleConvEncoder": dict(out_features=WIDTH, widths=(4, 6)),
    "StridedConvEncoder": dict(
        out_features=WIDTH,
        in_channels=3,
        widths=(4, 6),
        hidden_features=(32,),
        image_size=PIXELS,
    ),
}
# Trunk -> what it makes maps with; a FeatureMapEncoder makes a vector of those.
TRUNKS = {
    "VGGFeatures": VGG,
    "ResNetFeatures": dict(type="ResNetFeatures", depth=18),
}
# Backbone -> what it reads of a batch, its arguments.
OTHERS = {
    "PointNetEncoder": ("input_points", dict(out_features=WIDTH, hidden=8)),
    "ResNetPointNetEncoder": ("input_points", dict(out_features=WIDTH, hidden=8)),
    "BatchNormPointNetEncoder": ("input_points", dict(out_features=WIDTH)),
    "VoxelEncoder": (
        "voxels",
        dict(out_features=WIDTH, widths=(4, 4), resolution=8),
    ),
    "IndexEmbedding": ("index", dict(num_objects=5, out_features=WIDTH)),
}

GRU = dict(type="GRU3D", channels=4, grid_size=2, norm="torch", max_views=2)
LSTM = dict(type="LSTM3D", channels=4, grid_size=2)
MEAN = dict(type="MeanViewFusion")
VOXELS = dict(
    type="VoxelDecoder", widths=(4, 4, 2), depths=(1, 1), upsamplings=2, grid_size=2
)
TRANSPOSED = dict(type="TransposedVoxelDecoder", widths=(4, 4, 2), grid_size=2)
DECODERS = {
    "SimpleDecoder": {},
    "CBNDecoder": {},
    "CBNDecoder2": {},
    "BatchNormDecoder": {},
    "CBNNoResNetDecoder": {},
    "GridDecoder": {},
}
SQUARE = dict(type="SquareTemplate")


def occupancy_head(decoder, width=WIDTH, **head):
    decoder = dict(
        type=decoder, code_features=width, hidden_features=16, **DECODERS[decoder]
    )
    return dict(type="OccupancyHead", decoder=decoder, **head)


def local_head(volume):
    decoder = dict(type="LocalDecoder", features=2, hidden_features=16, num_blocks=2)
    return dict(type="LocalOccupancyHead", volume=volume, decoder=decoder)


# Name -> fusion, head. A GRU's code is a grid of 4 x 2 x 2 x 2.
VECTOR_HEADS = {
    "voxels": dict(VOXELS, code_features=WIDTH),
    "transposed voxels": dict(TRANSPOSED, code_features=WIDTH),
    **{f"occupancy {name}": occupancy_head(name) for name in DECODERS},
    "occupancy of local features": local_head(dict(VOXELS, code_features=WIDTH)),
    "occupancy latent": occupancy_head(
        "SimpleDecoder",
        latent=dict(type="PointSetLatent", latent_features=4, code_features=WIDTH),
    ),
}
VECTOR_HEADS["occupancy latent"]["decoder"]["latent_features"] = 4
POINT_HEADS = {
    "patches": dict(
        type="AtlasNetHead",
        template=SQUARE,
        num_patches=2,
        features=WIDTH,
        hidden_features=8,
        num_points=32,
        num_points_eval=32,
    ),
    "folded square": dict(
        type="FoldNetHead",
        template=SQUARE,
        code_features=WIDTH,
        hidden_features=8,
        num_points=16,
    ),
    "points": dict(
        type="PSGNHead", code_features=WIDTH, hidden_features=8, num_points=16
    ),
    "sphere": dict(
        type="MeshGenerator",
        code_features=WIDTH,
        hidden_features=(32,),
        subdivisions=1,
    ),
}
VECTOR_HEADS |= POINT_HEADS
GRID_HEADS = {
    "gru, voxels": (GRU, VOXELS),
    "lstm, transposed voxels": (LSTM, TRANSPOSED),
    "gru, occupancy of local features": (GRU, local_head(VOXELS)),
    "gru, occupancy of the flat grid": (GRU, occupancy_head("CBNDecoder", 32)),
    "lstm, occupancy of the mean cell": (
        LSTM,
        occupancy_head("SimpleDecoder", 4, code_reduction="mean"),
    ),
    "gru, patches": (GRU, dict(POINT_HEADS["patches"], features=32)),
}
# Head -> what it predicts, where that is no field and no grid.
KINDS = {
    "AtlasNetHead": Mesh,
    "FoldNetHead": Mesh,
    "MeshGenerator": Mesh,
    "PSGNHead": PointCloud,
}
LOSSES = {
    "OccupancyHead": "OccupancyBCE",
    "LocalOccupancyHead": "OccupancyBCE",
    **dict.fromkeys(KINDS, "ChamferLoss"),
}
METRICS_OF_ALL = {
    "VoxelIoU": dict(),
    "PointIoU": dict(resolution=8),
    "MeshDistances": dict(num_points=50),
    "PointDistances": dict(points="surface", num_points=50),
}


def build(backbone, head, *, fusion=None, **options):
    if fusion is not None and fusion["type"] in ("GRU3D", "LSTM3D"):
        fusion = dict(fusion, in_features=WIDTH)
    losses = [dict(type=LOSSES.get(head["type"], "VoxelBCE"))]
    if head["type"] == "MeshGenerator":
        losses[0]["output"] = "vertices"
    if head.get("latent"):
        losses.append(dict(type="LatentKL"))
    return MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=backbone,
            head=head,
            fusion=fusion,
            losses=losses,
            **options,
        )
    )


def make_batch(samples=2, views=2):
    return {
        "images": torch.rand(samples, views, 3, PIXELS, PIXELS),
        "input_points": torch.rand(samples, 10, 3) - 0.5,
        "index": torch.arange(samples) + 1,
        "voxels": torch.randint(0, 2, (samples, 8, 8, 8), dtype=torch.uint8),
        "points": torch.rand(samples, 12, 3) - 0.5,
        "occupancies": torch.randint(0, 2, (samples, 12)).float(),
        "surface_points": torch.rand(samples, 20, 3) - 0.5,
        "sample_id": ["a", "b"],
    }


def train_and_predict(model, batch):
    """One step moves all parts; the prediction is a finite shape of each sample."""
    for parameter in model.head.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)  # else no gradient passes
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    model.train()
    total, logged = model.parse_losses(model.loss(batch))
    total.backward()
    assert torch.isfinite(total)
    parts = [model.head, model.fusion, model.backbone]
    for part in parts:
        gradients = [p.grad for p in part.parameters()] if part is not None else []
        if gradients:
            assert any(g is not None and g.any() for g in gradients), type(part)
    optimizer.step()
    assert any(
        not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)
    )
    model.eval()
    with torch.no_grad():
        shapes = model.predict(batch)
    other = OccupancyField if isinstance(model.head, QueryHead) else Voxels
    kind = KINDS.get(type(model.head).__name__, other)
    assert isinstance(shapes, kind) and len(shapes) == len(batch["sample_id"])
    probabilities = shapes.to_voxels(8).probabilities
    assert probabilities.shape == (2, 8, 8, 8) and torch.isfinite(probabilities).all()
    with torch.no_grad():
        codes = model.code(batch)
        decoded = model.decode(codes.flip(0))
    assert len(codes) == 2 and type(decoded) is type(shapes)
    again = decoded.to_voxels(8).probabilities
    torch.testing.assert_close(again.flip(0), probabilities)


@pytest.mark.parametrize("head", VECTOR_HEADS)
@pytest.mark.parametrize("backbone", IMAGES)
def test_images_to_one_vector(backbone, head):
    backbone = dict(type=backbone, **IMAGES[backbone])
    model = build(backbone, VECTOR_HEADS[head], fusion=MEAN)
    train_and_predict(model, make_batch())


@pytest.mark.parametrize("head", GRID_HEADS)
@pytest.mark.parametrize("backbone", IMAGES)
def test_images_to_a_grid(backbone, head):
    fusion, head = GRID_HEADS[head]
    model = build(dict(type=backbone, **IMAGES[backbone]), head, fusion=fusion)
    train_and_predict(model, make_batch())


@pytest.mark.parametrize("head", VECTOR_HEADS)
@pytest.mark.parametrize("backbone", OTHERS)
def test_other_inputs(backbone, head):
    key, arguments = OTHERS[backbone]
    backbone = dict(type=backbone, **arguments)
    model = build(backbone, VECTOR_HEADS[head], input_key=key)
    train_and_predict(model, make_batch())


@pytest.mark.parametrize("metric", METRICS_OF_ALL)
@pytest.mark.parametrize("head", VECTOR_HEADS)
def test_every_metric_measures_what_every_head_predicts(head, metric):
    backbone = dict(type="SimpleConvEncoder", **IMAGES["SimpleConvEncoder"])
    head = dict(VECTOR_HEADS[head])
    if "Occupancy" in head["type"]:
        head |= dict(resolution=4, upsampling_steps=1)
    model = build(backbone, head, fusion=MEAN).eval()
    batch = make_batch()
    batch |= {
        "category": torch.zeros(2, dtype=torch.long),
        "points_iou": batch["points"],
        "occupancies_iou": batch["occupancies"],
        "surface_normals": torch.eye(3)[torch.randint(3, (2, 20))],
    }
    with torch.no_grad():
        shapes = model.predict(batch)
    part = METRICS.build(dict(type=metric, **METRICS_OF_ALL[metric]))
    part.dataset_meta = {"categories": ["thing"]}
    part.process(batch, list(shapes))
    found = part.evaluate(2)
    assert part.table.count == 2
    unknown = {name for name, value in found.items() if not np.isfinite(value)}
    # Clouds have no normals to compare.
    assert all("normals" in name and head["type"] == "PSGNHead" for name in unknown)


def test_no_input_at_all():
    decoder = dict(
        type="SimpleDecoder", code_features=0, latent_features=4, hidden_features=16
    )
    latent = dict(type="PointSetLatent", latent_features=4)
    head = dict(type="OccupancyHead", decoder=decoder, latent=latent)
    model = build(dict(type="EmptyEncoder"), head, input_key="points")
    train_and_predict(model, make_batch())


@pytest.mark.parametrize("head", ["voxels", "transposed voxels"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_trunks_serve_through_an_encoder(trunk, head):
    pool = 16 if trunk == "VGGFeatures" else 1
    backbone = dict(
        IMAGES["FeatureMapEncoder"],
        type="FeatureMapEncoder",
        trunk=TRUNKS[trunk],
        pools=(pool,),
    )
    model = build(backbone, VECTOR_HEADS[head], fusion=MEAN, fuse="volumes")
    train_and_predict(model, make_batch())


@pytest.mark.parametrize("head", ["voxels", "occupancy CBNDecoder"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_trunks_alone_make_no_code(trunk, head):
    model = build(TRUNKS[trunk], VECTOR_HEADS[head], fusion=MEAN)
    with pytest.raises(ValueError, match=rf"{trunk}: expected one vector per image.*"):
        model.loss(make_batch())


@pytest.mark.parametrize("backbone", OTHERS)
def test_what_has_no_views_has_nothing_to_fuse(backbone):
    key, arguments = OTHERS[backbone]
    with pytest.raises(ValueError, match=f"input_key '{key}': expected neither fusion"):
        build(dict(type=backbone, **arguments), VOXELS, fusion=GRU, input_key=key)


def test_codes_of_another_size_are_named():
    residual = dict(type="ResidualEncoder", **IMAGES["ResidualEncoder"])
    batch = make_batch()
    with pytest.raises(ValueError, match=r"VoxelDecoder: .*\(4, 2, 2, 2\) .*\(8,\)"):
        build(residual, VOXELS, fusion=MEAN).loss(batch)
    vector = dict(VOXELS, code_features=5)
    with pytest.raises(ValueError, match=r"VoxelDecoder: .*\(5,\) \(code_features\)"):
        build(residual, vector, fusion=MEAN).loss(batch)
    wide = dict(residual, out_features=9)
    with pytest.raises(ValueError, match=r"GRU3D: expected features \(B, V, 8\)"):
        build(wide, VOXELS, fusion=GRU).loss(batch)
    with pytest.raises(ValueError, match=r"CBNDecoder: expected code \(B, 8\), found"):
        build(wide, occupancy_head("CBNDecoder"), fusion=MEAN).loss(batch)
    with pytest.raises(ValueError, match="OccupancyHead answers at points"):
        build(residual, occupancy_head("CBNDecoder"), fusion=MEAN, fuse="volumes")


def test_the_matrix_is_complete():
    # Those of timm need an optional package, and have tests of their own.
    backbones = {*IMAGES, *TRUNKS, *OTHERS, "EmptyEncoder", "TimmEncoder"}
    assert backbones == set(svr3d.models.backbones.__all__)
    assert backbones <= set(BACKBONES.parts())
    heads = {head["type"] for head in VECTOR_HEADS.values()}
    assert heads == {
        name
        for name, part in HEADS.parts().items()
        if part.__module__.startswith("svr3d.models.heads")
    }
    decoders = set(svr3d.models.decoders.__all__) - {"PointDecoder", "LocalDecoder"}
    assert decoders == set(DECODERS)
