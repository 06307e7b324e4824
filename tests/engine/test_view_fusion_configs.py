# SPDX-License-Identifier: Apache-2.0
"""The recipes that compare fusions of views, and the tools that put them together."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toy_config import load

from svr3d.cli import main as console
from svr3d.metrics import ResultTable
from svr3d.structures import Voxels
from svr3d.visualization.method_sheet import method_sheet

NAMES = ("res3dgru", "gru", "pix2vox_f", "pix2vox_mean", "pix2vox_max")
LOADERS = [f"{mode}_dataloader.num_workers=0" for mode in ("train", "val", "test")]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Name -> best checkpoint after one epoch of two iterations."""
    folder = tmp_path_factory.mktemp("fusions")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SVR3D_ALLOCATOR", "default")
        patch.chdir(folder)
        for name in NAMES:
            command = ["train", f"view_fusion/{name}_custom.py", "--work-dir", name]
            options = [f"data_root={data}", "train_dataloader.batch_size=2"]
            options += ["train_cfg.max_epochs=1", "train_cfg.val_interval=1"]
            assert console.main([*command, "--cfg-options", *options, *LOADERS]) == 0
            (found[name],) = (folder / name).glob("best_*.pth")
    return found


@pytest.fixture
def svr3d(monkeypatch, tmp_path, capsys):
    """Function that runs a command and returns its exit code and output."""
    monkeypatch.setenv("SVR3D_ALLOCATOR", "default")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = console.main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@pytest.mark.parametrize("name", NAMES)
def test_recipe_trains_on_drawn_numbers_of_views(trained, name):
    state = load(trained[name].parent)
    assert state["meta"]["iter"] == 2
    values = [v for v in state["state_dict"].values() if v.is_floating_point()]
    assert values and all(torch.isfinite(value).all() for value in values)
    text = (trained[name].parent / f"{name}_custom.py").read_text()
    assert "num_views=(" in text.replace("[", "(")


def test_results_of_one_protocol_stand_in_one_table(trained, svr3d):
    entries = []
    for name in ("gru", "pix2vox_mean"):
        for views in (1, 3):
            options = [f"test_dataloader.dataset.num_views={views}", *LOADERS]
            options += [f"protocol.views={views}", "protocol.reference=none"]
            folder = f"{name}_{views}"
            command = ("test", trained[name], "--work-dir", folder, "--cfg-options")
            assert svr3d(*command, *options)[0] == 0
            entries.append(f"{name}={folder}/results/test_voxel.json@t=0.30")
    code, text = svr3d("leaderboard", *entries, "--out", "board.md")
    assert code == 0
    tables = [
        ResultTable.from_dict(t) for t in json.loads(Path("board.json").read_text())
    ]
    assert [table.columns for table in tables] == [("gru", "pix2vox_mean")] * 2
    assert [table.protocol["views"] for table in tables] == [1, 3]
    own = ResultTable.from_json("gru_3/results/test_voxel.json")
    assert tables[1].overall[0] == own.overall[own.columns.index("t=0.30")]
    best = max(tables[0].overall)
    assert f"| **{best:.3f}** |" in text and text.splitlines()[-1] == "board.md"
    assert Path("board.md").read_text().count("| method |") == 2


def test_shapes_of_several_models_stand_in_one_picture(trained, svr3d):
    models = [f"{name}={trained[name]}" for name in ("gru", "pix2vox_max")]
    code, _ = svr3d("compare-shapes", *models, "--samples", 1, "--out", "a/b.png")
    assert code == 0
    picture = np.asarray(Image.open("a/b.png").convert("RGB"))
    # Input, target and two models side by side; barely trained models may be empty.
    columns = np.array_split(picture[40:], 4, axis=1)
    assert all((column < 250).any() for column in columns[:2])


def test_each_shape_of_a_sheet_is_drawn():
    grids = torch.zeros(3, 8, 8, 8)
    for index in range(3):
        grids[index, 2 : 4 + index, 2:6, 2:6] = 1
    target, *shapes = (Voxels(grid[None], 0.5) for grid in grids)
    image = np.zeros((20, 20, 3), np.uint8)
    predictions = {"a": [shapes[0]], "b": [shapes[1]]}
    sheet = method_sheet([image], [target], predictions, cell_size=60)
    cells = np.array_split(sheet[20:], 4, axis=1)
    filled = [(cell < 250).any(axis=-1).sum() for cell in cells[1:]]
    assert 0 < filled[0] < filled[1] < filled[2]
    assert sheet.shape[1] == 4 * 66 + 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("leaderboard", "x.json"), "x.json: expected LABEL=FILE"),
        (("leaderboard", "a=x.json@t=1"), "x.json: expected a file, found none"),
        (("compare-shapes", "a"), "a: expected LABEL=CHECKPOINT"),
        (("compare-shapes", "a=b", "--samples", "0"), "--samples: expected at least 1"),
    ],
)
def test_wrong_arguments_are_named(svr3d, arguments, message):
    code, text = svr3d(*arguments)
    assert code == 2 and message in text and "Traceback" not in text


def test_columns_and_categories_must_agree(svr3d, tmp_path):
    def table(name, categories, columns=("t=0.30", "t=0.40")):
        values = [[0.5] * len(columns)] * len(categories)
        made = ResultTable.from_samples(
            "voxel IoU", columns, categories=categories, values=values
        )
        made.to_json(tmp_path / name)

    table("a.json", ["x", "y"])
    table("b.json", ["x", "x"])
    assert "after an '@', found ''" in svr3d("leaderboard", "a=a.json")[1]
    assert "found 't=9'" in svr3d("leaderboard", "a=a.json@t=9")[1]
    code, text = svr3d("leaderboard", "a=a.json@t=0.30", "b=b.json@t=0.30")
    assert code == 2 and "different categories" in text
    code, text = svr3d("leaderboard", "a=a.json@t=0.30", "a=a.json@t=0.40")
    assert code == 2 and "found twice under one protocol" in text
    Path("c.json").write_text("{")
    assert "expected a table" in svr3d("leaderboard", "a=c.json@t=0.30")[1]
