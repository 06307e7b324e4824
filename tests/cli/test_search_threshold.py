# SPDX-License-Identifier: Apache-2.0
"""``svr3d search-threshold`` on fields and voxels whose best threshold is known."""

import json
import sys
from pathlib import Path

import pytest
import torch

from svr3d.engine.checkpoint import load_model

CONFIG = """
default_scope = 'svr3d'
custom_imports = dict(imports=['ball_parts'])
protocol = dict(split='balls', views=1, view_selection='all', unit=None,
                num_points=None, reference='')
model = dict(type='BallModel', form='{form}')
val_dataloader = dict(batch_size=3, num_workers=0, dataset=dict(type='BallData'),
                      collate_fn=dict(type='default_collate'))
val_cfg = dict()
val_evaluator = {evaluator}
test_dataloader = dict(batch_size=3, num_workers=0, dataset=dict(type='BallData'),
                       collate_fn=dict(type='default_collate'))
test_cfg = dict()
test_evaluator = {evaluator}
"""


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """Function that writes the model, whose config validates by an evaluator."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def write(evaluator, form="field"):
        from ball_parts import BallModel

        config = CONFIG.format(form=form, evaluator=evaluator)
        path = tmp_path / "balls.pth"
        hub = {"log_scalars": {}}
        content = {
            "state_dict": BallModel().state_dict(),
            "meta": {"cfg": config},
            "message_hub": hub,
        }
        torch.save(content, path)
        return path

    return write


@pytest.mark.parametrize(
    "form, evaluator",
    [
        ("field", "dict(type='PointIoU')"),
        ("field", "[dict(type='PointIoU', source='mesh'), dict(type='MeshDistances')]"),
        ("voxels", "dict(type='VoxelIoU', thresholds=(0.5,))"),
        ("voxels", "dict(type='PointIoU', thresholds=(0.5,), source='field')"),
    ],
)
def test_the_best_is_found_and_stored(svr3d, checkpoint, form, evaluator):
    path = checkpoint(evaluator, form)
    options = ("--range", 0.1, 0.9, 0.1, "--write", "better.pth")
    code, lines, errors = svr3d("search-threshold", path, *options)
    assert code == 0, errors
    (marked,) = (line for line in lines if line.endswith("<- best"))
    assert float(marked.split()[0]) == pytest.approx(0.3)
    found = json.loads(Path(lines[-1]).read_text())
    (name,) = (n for n in found["best"] if n.endswith("iou_max_threshold"))
    assert found["best"][name] == pytest.approx(0.3)
    assert len(found["tables"][name.split("/")[0]]["columns"]) == 9
    assert found["best"][name.removesuffix("_threshold")] > 0.9
    _, _, meta = load_model("better.pth")
    assert meta["val_metrics"][name] == pytest.approx(0.3)


def test_wrong_arguments_are_named(svr3d, checkpoint):
    path = checkpoint("dict(type='MeshDistances')")
    code, _, errors = svr3d("search-threshold", path)
    assert code == 2
    assert "val_evaluator: expected one of PointIoU, VoxelIoU" in errors
    with pytest.raises(SystemExit):
        svr3d("search-threshold", path, "--range", 0.5, 0.2, 0.1)


def test_tool_is_the_command(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tools" / "analysis"))
    import search_threshold

    from svr3d.cli import search_threshold as command

    assert search_threshold.main is command.main
    sys.modules.pop("search_threshold")
