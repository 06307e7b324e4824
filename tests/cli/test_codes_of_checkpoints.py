# SPDX-License-Identifier: Apache-2.0
"""``svr3d mmd``, ``embed`` and ``interpolate`` on a small checkpoint."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from svr3d.analysis.codes import CodeTable
from svr3d.analysis.mmd import mean_of_pairs, pairwise_mmd
from svr3d.engine.checkpoint import load_model
from svr3d.engine.config import config_from_text

CONFIG = """
default_scope = 'svr3d'
protocol = dict(
    split='toy', views=1, view_selection='first', unit=None, num_points=None,
    reference='')
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='SimpleConvEncoder', out_features=8, widths=(4, 6)),
    head=dict(
        type='VoxelDecoder', widths=(4, 4), depths=(2,), upsamplings=1,
        code_features=8))
test_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        type='ShapeNetR2N2',
        data_root='DATA',
        split='train',
        pipeline=[
            dict(
                type='RandomBackground',
                color_range=((240, 240), (240, 240), (240, 240))),
            dict(type='CenterCrop', image_size=(64, 64), crop_size=(128, 128)),
            dict(type='PackViews'),
        ]))
test_cfg = dict()
test_evaluator = []
"""


@pytest.fixture(scope="module")
def checkpoint(procedural_data, tmp_path_factory):
    from mmengine.registry import MODELS, DefaultScope

    text = CONFIG.replace("DATA", str(procedural_data))
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(config_from_text(text).model)
    torch.nn.init.normal_(model.head.to_logits.weight)
    path = tmp_path_factory.mktemp("checkpoint") / "small.pth"
    meta = {"cfg": text, "dataset_meta": {"categories": ["chair"]}}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, path)
    return path


def test_mmd(svr3d, checkpoint, tmp_path):
    out = tmp_path / "out"
    arguments = ["mmd", checkpoint, "--num-views", 5, "--out", out]
    code, lines, errors = svr3d(*arguments)
    assert code == 0, errors
    assert lines[-1] == str(out / "mmd.json")
    found = json.loads((out / "mmd.json").read_text())
    table = CodeTable.load(out / "codes.npz")
    counts = np.bincount(table.views)
    assert found["domains"] == [f"view {view}" for view in range(5)]
    assert found["pairs"] == 10 and found["codes_of_each_domain"] == counts.tolist()
    codes = torch.from_numpy(table.codes)
    expected = pairwise_mmd([codes[table.views == view] for view in range(5)])
    assert found["mmd"] == pytest.approx(mean_of_pairs(expected))
    np.testing.assert_allclose(found["matrix"], expected.numpy())
    with Image.open(out / "mmd.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("RGB")))) > 50
    # The model's own code of one view.
    model, _, _ = load_model(checkpoint)
    assert table.codes.shape == (5 * counts[0], model.head.to_grid.in_features)
    assert table.facts["checkpoint"] == "small.pth"
    assert len(set(table.sample_ids)) == counts[0] and not table.categories.any()

    before = (out / "mmd.png").read_bytes()
    assert svr3d(*arguments, "--highest", 100)[0] == 0
    assert (out / "mmd.png").read_bytes() != before
    with pytest.raises(SystemExit):
        svr3d(*arguments, "--highest", 0)
    code, lines, _ = svr3d(*arguments, "--azimuth-bins", 2, "--most", 4)
    assert code == 0 and lines[0] == f"{len(table)} codes of {out / 'codes.npz'}"
    halves = json.loads((out / "mmd.json").read_text())
    assert halves["domains"] == ["0 to 180 degrees", "180 to 360 degrees"]
    assert halves["codes_of_each_domain"] == [4, 4]


def test_codes_of_other_samples_are_not_taken(svr3d, checkpoint, tmp_path):
    kept = tmp_path / "mine.npz"
    arguments = ["mmd", checkpoint, "--out", tmp_path, "--codes", kept]
    assert svr3d(*arguments, "--num-views", 2)[0] == 0
    code, _, errors = svr3d(*arguments, "--num-views", 3)
    assert code == 2 and "mine.npz: expected codes of small.pth and these" in errors
    code, _, errors = svr3d("mmd", checkpoint, "--out", tmp_path)
    assert code == 2 and "domains: expected two of two codes or more" in errors
    code, _, errors = svr3d("mmd", checkpoint, "--out", tmp_path, "--split", "val")
    assert code == 2 and "val_dataloader.dataset: expected a data set" in errors
    with pytest.raises(SystemExit):
        svr3d("mmd", checkpoint, "--num-views", 0)


def test_embedding(svr3d, checkpoint, tmp_path):
    pytest.importorskip("sklearn")
    out = tmp_path / "out"
    arguments = ["embed", checkpoint, "--num-views", 5, "--out", out, "--pca", 4]
    code, lines, _ = svr3d(*arguments)
    assert code == 0 and lines[-1] == str(out / "embedding.json")
    names = ["categories", "views", "azimuths"]
    for name in names:
        with Image.open(out / f"{name}.png") as picture:
            assert picture.size == (1500, 999)
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    found = json.loads((out / "embedding.json").read_text())
    assert found["pictures"] == [f"{n}{end}" for n in names for end in (".png", ".pdf")]
    share, chance = found["nearest_neighbors"]["view"]
    assert 0 <= share <= 1 and chance == pytest.approx(0.2)
    assert "category" not in found["nearest_neighbors"]
    with np.load(out / "embedding.npz") as kept:
        first = kept["places"]
    assert first.shape == (len(CodeTable.load(out / "codes.npz")), 2)
    assert np.isfinite(first).all() and first.std() > 1e-3
    # Again from the codes that were kept, with the same result.
    code, lines, _ = svr3d(*arguments)
    assert code == 0 and lines[0].endswith("codes.npz")
    with np.load(out / "embedding.npz") as kept:
        np.testing.assert_array_equal(kept["places"], first)


def test_interpolation_of_samples(svr3d, checkpoint, tmp_path):
    out = tmp_path / "between"
    arguments = ["--steps", 3, "--format", "obj", "glb", "--size", 48, "--out", out]
    chosen = sorted(ids_of(checkpoint))[:2]
    names = [name.split("/")[1] for name in chosen]
    code, lines, errors = svr3d(
        "interpolate", checkpoint, "--samples", *chosen, *arguments
    )
    assert code == 0, errors
    assert lines[-1] == str(out)
    stem = "_".join(names)
    expected = {
        f"{stem}_{i}.{kind}" for i in range(4) for kind in ("obj", "glb", "png")
    }
    found = {path.name for path in out.iterdir()}
    assert found == expected | {f"{stem}.png", f"{stem}.gif"}
    with Image.open(out / f"{stem}.gif") as animation:
        assert animation.n_frames == 6 and animation.info["loop"] == 0
    with Image.open(out / f"{stem}_1.png") as picture:
        assert picture.size == (48, 48) and np.asarray(picture).std() > 5
    # The ends are what the model makes of the samples, the rest lies between.
    again = tmp_path / "one"
    svr3d(
        "interpolate",
        checkpoint,
        "--samples",
        *chosen,
        "--steps",
        1,
        "--format",
        "obj",
        "--size",
        48,
        "--out",
        again,
    )
    for first, second in ((0, 0), (3, 1)):
        ends = [
            corners(folder / f"{stem}_{number}.obj")
            for folder, number in ((out, first), (again, second))
        ]
        np.testing.assert_allclose(*ends, atol=1e-5)
    texts = {(out / f"{stem}_{i}.obj").read_text() for i in range(4)}
    assert len(texts) == 4


def test_interpolation_of_images(svr3d, checkpoint, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index, color in enumerate(((200, 30, 30), (30, 30, 200))):
        pixels = np.zeros((60, 60, 4), np.uint8)
        pixels[10:50, 20 : 30 + 10 * index] = (*color, 255)
        Image.fromarray(pixels).save(folder / f"{'ab'[index]}.png")
    out = tmp_path / "out"
    arguments = [folder / "a.png", folder / "b.png", "--format", "--size", 32]
    code, lines, errors = svr3d("interpolate", checkpoint, *arguments, "--out", out)
    assert code == 0, errors
    expected = {f"a_b_{index}.png" for index in range(6)} | {"a_b.png", "a_b.gif"}
    assert {path.name for path in out.iterdir()} == expected


def test_wrong_ends(svr3d, checkpoint, tmp_path):
    arguments = ["interpolate", checkpoint, "--out", tmp_path / "out"]
    code, _, errors = svr3d(*arguments, "--samples", "0", "chair/none")
    assert code == 2 and "--samples chair/none: expected a sample of split" in errors
    for wrong in (
        ["a.png"],
        ["a.png", "--samples", "0", "1"],
        ["a", "b", "--steps", 0],
    ):
        with pytest.raises(SystemExit):
            svr3d(*arguments, *wrong)


def corners(path):
    rows = [line.split() for line in path.read_text().splitlines()]
    return np.array([row[1:4] for row in rows if row[:1] == ["v"]], dtype=float)


def ids_of(checkpoint):
    from svr3d.cli.code_source import build_split

    dataset, _ = build_split(load_model(checkpoint)[1], "test")
    return dataset.sample_ids
