# SPDX-License-Identifier: Apache-2.0
import json
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from svr3d.cli.main import call
from svr3d.cli.report import main
from svr3d.metrics.result_table import ResultTable
from svr3d.visualization import save_picture
from svr3d.visualization.report_page import table

VOID = {"meta", "img", "br", "hr", "link", "use", "path", "line"}


class Page(HTMLParser):
    """Text of a page; fails where tags do not nest, lists what it loads."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.loads, self.links = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("img", "script", "link", "iframe"):
            self.loads.append(attributes.get("src") or attributes.get("href"))
        if tag == "a":
            self.links.append(attributes["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def results(shift=0.0, *, views=5, categories=("chair", "lamp")):
    names = [name for name in categories for _ in range(4)]
    base = np.linspace(0.3, 0.6, len(names))[:, None] + shift
    return ResultTable.from_samples(
        "voxel IoU",
        ["t=0.30", "t=0.40"],
        categories=names,
        values=(base + [0.0, 0.05]).tolist(),
        protocol={"split": "test", "views": views},
    )


@pytest.fixture
def run(tmp_path):
    """Work directory with a test, baselines and a reconstruction beside it."""
    work_dir = tmp_path / "work" / "narrow <run>"
    for folder in ("results", "pictures", "20260101_000000/vis_data"):
        (work_dir / folder).mkdir(parents=True)
    results().to_json(work_dir / "results" / "test_voxel.json")
    (work_dir / "results" / "test_voxel_samples.csv").write_text(
        "sample_id,category,t=0.30,t=0.40\nlamp/a7,lamp,0.0123,0.0456\n"
    )
    lines = [{"loss": 3 / (1 + i), "lr": 1e-3, "step": 10 * i} for i in range(30)]
    lines += [{"voxel/iou_max": 0.1 * i, "step": i} for i in range(1, 5)]
    (work_dir / "20260101_000000/vis_data/scalars.json").write_text(
        "\n".join(json.dumps(line) for line in lines)
    )
    rng = np.random.default_rng(0)
    for name in ("epoch_0001", "epoch_0002", "test_samples", "test_best"):
        picture = rng.integers(0, 255, (30, 60, 3)).astype(np.uint8)
        save_picture(picture, work_dir / "pictures" / f"{name}.png")
    baselines = tmp_path / "baselines"
    baselines.mkdir()
    results(-0.1).to_json(baselines / "mean_shape.json")
    results(-0.05).to_json(baselines / "nearest_neighbour.json")
    named = {"tables": {"oracle": results(0.2).to_dict()}, "settings": {}}
    (baselines / "several.json").write_text(json.dumps(named))
    (baselines / "notes.json").write_text("[1, 2]")
    made = tmp_path / "made"
    save_picture(picture, made / "vase.png")
    (made / "vase.glb").touch()
    return work_dir


def report(run, *arguments):
    out = run.parent.parent / "site" / "index.html"
    beside = run.parent.parent
    code = main(
        [str(run), "--out", str(out), "--baselines", str(beside / "baselines")]
        + ["--reconstructions", str(beside / "made"), *arguments]
    )
    assert code == 0
    return Page(out.read_text(encoding="utf-8"))


def test_report_shows_everything_and_loads_nothing(run, capsys):
    commands = run.parent / "commands.txt"
    commands.write_text("svr3d train a.py && echo '<done>'")
    shown = report(run, "--commands", str(commands), "--title", "First run")
    assert capsys.readouterr().out.splitlines()[-1].endswith("site/index.html")
    for word in (
        *("First run", "chair", "lamp", "mean over samples", "0.5000"),
        *("mean_shape", "nearest_neighbour", "0.4000", "0.4500", "oracle", "0.7000"),
        *("Training loss", "Validation IoU", "Highest IoU", "epoch 0002"),
        *("lamp/a7", "0.0456", "views", "torch", "vase.glb"),
        "svr3d train a.py && echo '<done>'",
    ):
        assert word in shown.text, word
    assert len(shown.loads) == 5
    assert all(source.startswith("data:image/") for source in shown.loads)
    assert shown.links == ["../made/vase.glb"]


def test_ours_and_baselines_stand_in_one_table_only_under_one_protocol(run):
    assert "ours (t=0.40)" in report(run).text
    baselines = run.parent.parent / "baselines"
    results(-0.1, views=1).to_json(baselines / "mean_shape.json")
    shown = report(run)
    assert "ours (t=0.40)" not in shown.text
    assert "protocol differs" in shown.text


def test_training_alone_is_enough(run):
    for path in (run / "results").iterdir():
        path.unlink()
    results().to_json(run / "results" / "val_voxel.json")
    assert "chair" in report(run).text
    (run / "results" / "val_voxel.json").unlink()
    assert "Training loss" in report(run).text


def test_codes_are_told(run):
    assert "Codes" not in report(run).text
    for name in ("mmd_val", "embedding_test"):
        picture = np.zeros((4, 4, 3), np.uint8)
        save_picture(picture, run / name / f"{name.split('_')[0]}.png")
    protocol = {"checkpoint": "last.pth", "split": "val", "codes": 48}
    mmd = {"mmd": 0.8125, "mmd_of_random_domains": 0.25, "domains": ["a", "b", "c"]}
    (run / "mmd_val/mmd.json").write_text(json.dumps(mmd | {"protocol": protocol}))
    shares = {"view": [0.5, 0.125]}
    pictures = ["embedding.png", "embedding.pdf"]
    content = {"nearest_neighbors": shares, "pictures": pictures, "protocol": protocol}
    (run / "embedding_test/embedding.json").write_text(json.dumps(content))
    page = report(run)
    assert "Codes" in page.text and "0.8125" in page.text and "0.25" in page.text
    assert (
        "nearest of the same view" in page.text and "50.0% (by lot 12.5%)" in page.text
    )
    assert len(page.loads) == 2 + len(report_without(run, "mmd_*", "embedding_*").loads)


def report_without(run, *patterns):
    for pattern in patterns:
        for folder in run.glob(pattern):
            shutil.rmtree(folder)
    return report(run)


def test_test_directory_is_looked_up(run, tmp_path):
    folder = run / "test" / "results"
    folder.mkdir(parents=True)
    results(categories=("sofa",)).to_json(folder / "test_voxel.json")
    assert "sofa" in report(run).text
    elsewhere = tmp_path / "elsewhere" / "results"
    elsewhere.mkdir(parents=True)
    results(categories=("boat",)).to_json(elsewhere / "test_voxel.json")
    assert "boat" in report(run, "--test", str(elsewhere.parent)).text


def test_missing_things_are_named(run, tmp_path, capsys):
    assert call(main, [str(tmp_path / "nowhere")]) == 2
    assert "nowhere: expected a file or folder" in capsys.readouterr().err
    (tmp_path / "blank").mkdir()
    assert call(main, [str(tmp_path / "blank")]) == 2
    assert "blank: expected results" in capsys.readouterr().err
    (tmp_path / "broken.json").write_text("{")
    assert call(main, [str(run), "--baselines", str(tmp_path / "broken.json")]) == 2
    assert "broken.json: expected JSON" in capsys.readouterr().err
    command = [str(run), "--out", str(run / "results" / "test_voxel.json" / "x.html")]
    assert call(main, command) == 2
    assert "x.html" in capsys.readouterr().err


def test_the_best_of_a_row_is_marked():
    text = table(
        ["a", "b", "c"], [["x", 0.1, 0.3], ["y", None, 0.2]], best_columns=[1, 2]
    )
    assert text.count('class="best"') == 2
    assert '<td class="best">0.3000</td>' in text and "\u2013" in text
