# SPDX-License-Identifier: Apache-2.0
"""Mean shapes and retrieval, on shapes whose answer is known."""

import json

import cv2
import numpy as np
import pytest
import torch

from svr3d.analysis.image_features import view_features
from svr3d.analysis.mean_shape import MeanShape
from svr3d.analysis.nearest_shapes import (
    nearest_by_iou,
    nearest_by_views,
    pairwise_iou,
)
from svr3d.cli.recognition_baselines import main
from svr3d.errors import ConfigError, DataError
from svr3d.io.binvox import write_binvox
from svr3d.metrics import ResultTable

SIZES = {"wide": (24, 6), "tall": (6, 24)}
SPLITS = {"train": 3, "val": 1, "test": 2}


def silhouette(width, height, *, size=48, left=4, top=10):
    mask = torch.zeros(1, 1, size, size)
    mask[..., top : top + height, left : left + width] = 1
    return mask


def test_features_ignore_place_and_scale():
    small = silhouette(8, 16)
    large = silhouette(16, 32, left=20, top=3)
    other = silhouette(16, 8)
    features = [view_features(0.5 * m.expand(-1, 3, -1, -1), m) for m in (small, large)]
    different = view_features(0.5 * other.expand(-1, 3, -1, -1), other)
    near = (features[0] - features[1]).norm()
    far = (features[0] - different).norm()
    assert near < 0.25 * far


def test_features_of_an_empty_silhouette_are_finite():
    features = view_features(torch.zeros(2, 3, 32, 32), torch.zeros(2, 1, 32, 32))
    assert features.shape == (2, 800)
    assert torch.isfinite(features).all()


def test_nearest_by_views_equals_loops():
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(7, 3, 5, generator=generator)
    references = torch.randn(9, 4, 5, generator=generator)
    expected = []
    for query in queries:
        distances = [torch.cdist(query, views).square() for views in references]
        means = torch.stack([d.amin(dim=1).mean() for d in distances])
        expected.append(int(means.argmin()))
    assert nearest_by_views(queries, references).tolist() == expected


def test_nearest_by_iou():
    grids = torch.zeros(3, 4, 4, 4)
    grids[0, :2] = 1
    grids[1, :, :2] = 1
    iou = pairwise_iou(grids, grids)
    third = 1 / 3
    expected = torch.tensor([[1, third, 0], [third, 1, 0], [0, 0, 1]])
    torch.testing.assert_close(iou, expected)
    assert nearest_by_iou(grids[[2, 0]], grids).tolist() == [2, 0]


def test_mean_shape_takes_the_best_threshold():
    volumes = torch.zeros(4, 4, 4, 4)
    volumes[:, 0] = 1
    volumes[0, 1] = 1
    volumes[:2, 2] = 1
    mean = MeanShape(volumes, [0, 0, 1, 1])
    # Cells hold 1, 0.25, 0.5; a validation shape of the first slab alone wants > 0.5.
    assert 0.5 < mean.choose_threshold(volumes[3:], [1]) <= 1
    assert torch.equal(mean.predict(0), volumes[3])
    by_category = MeanShape(volumes, [0, 0, 1, 1], by="category")
    by_category.choose_threshold(volumes[3:], [1])
    assert torch.equal(by_category.probabilities(1), volumes[3])
    # A category that training never saw falls back to the mean of all.
    assert torch.equal(by_category.probabilities(7), mean.overall)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two categories of boxes, told apart by their silhouettes."""
    root = tmp_path_factory.mktemp("boxes")
    taxonomy = []
    for category, (width, height) in SIZES.items():
        entry = {"taxonomy_id": category, "taxonomy_name": category}
        for split, count in SPLITS.items():
            entry[split] = [f"{split}{index}" for index in range(count)]
            for index, model in enumerate(entry[split]):
                write_object(root, category, model, width + index, height + index)
        taxonomy.append(entry)
    (root / "ShapeNet.json").write_text(json.dumps(taxonomy))
    return root


def write_object(root, category, model, width, height):
    folder = root / "ShapeNetRendering" / category / model / "rendering"
    folder.mkdir(parents=True)
    for view in range(6):
        image = np.zeros((137, 137, 4), np.uint8)
        y, x = 68 - height, 68 - width + view
        image[y : y + 2 * height, x : x + 2 * width] = (90, 120, 150, 255)
        cv2.imwrite(str(folder / f"{view:02d}.png"), image)
    lines = [f"{60 * view} 25 0 0.8 25" for view in range(6)]
    (folder / "rendering_metadata.txt").write_text("\n".join(lines) + "\n")
    voxels = np.zeros((32, 32, 32), np.uint8)
    voxels[:width, :height, :8] = 1
    target = root / "ShapeNetVox32" / category / model
    target.mkdir(parents=True)
    write_binvox(target / "model.binvox", voxels)


def run(data, out, *arguments):
    options = ["--cfg-options", f"data_root={data}"]
    config = "r2n2/res3dgru_custom.py"
    assert main([config, "--out", str(out), *arguments, *options]) == 0


def test_command(data, tmp_path, capsys):
    run(data, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    path = tmp_path / "recognition_baselines.json"
    assert lines[-1] == str(path)
    content = json.loads(path.read_text())
    tables = {
        name: ResultTable.from_dict(value) for name, value in content["tables"].items()
    }
    # Every test box is also a training box, and the silhouettes tell which.
    assert tables["nearest training image"].overall[0] == pytest.approx(1.0)
    assert tables["best training shape (oracle)"].overall[0] == pytest.approx(1.0)
    overall = tables["mean shape"].overall[0]
    category = tables["mean shape of the true category (oracle)"].overall[0]
    assert overall < category < 1.0
    assert content["settings"]["reference_views"] == 6
    assert content["settings"]["samples"] == {"train": 6, "val": 2, "test": 4}
    assert tables["mean shape"].protocol["views"] == 5
    one = ResultTable.from_json(tmp_path / "nearest_training_image.json")
    assert one == tables["nearest training image"]
    assert (tmp_path / "recognition_baselines.csv").is_file()


def test_comparison_with_a_network(data, tmp_path, capsys):
    run(data, tmp_path, "--no-oracle")
    table = ResultTable.from_json(tmp_path / "mean_shape.json")
    results = tmp_path / "network.json"
    table.to_json(results)
    run(data, tmp_path, "--no-oracle", "--results", str(results))
    output = capsys.readouterr().out
    assert "DOES NOT BEAT mean shape" in output
    assert "DOES NOT BEAT nearest training image (1.0000)" in output
    content = json.loads((tmp_path / "recognition_baselines.json").read_text())
    assert content["comparison"]["columns"][0] == "network"

    table.protocol["views"] = 1
    table.to_json(results)
    with pytest.raises(ConfigError, match="protocol differs"):
        run(data, tmp_path, "--no-oracle", "--results", str(results))
    with pytest.raises(DataError, match="expected a file"):
        run(data, tmp_path, "--no-oracle", "--results", str(tmp_path / "absent.json"))
