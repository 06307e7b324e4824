# SPDX-License-Identifier: Apache-2.0
"""``svr3d dispersion-score`` on arrays, data sets and predictions."""

import json

import numpy as np
import pytest
import torch
from ellipsoid_parts import EllipsoidData, Repeater

from svr3d.analysis.dispersion import dispersion_score
from svr3d.analysis.dispersion.cluster_demo import plane_clusters, squared_distances
from svr3d.analysis.dispersion.inputs import choose_samples, predicted_clouds
from svr3d.cli.dispersion_score import main
from svr3d.cli.main import call
from svr3d.errors import CheckpointError, ConfigError, DataError

CONFIG = """
default_scope = "svr3d"
custom_imports = dict(imports=["ellipsoid_parts"])
protocol = dict(
    split="toy", views=1, view_selection="all", unit=None, num_points=None, reference=""
)
model = dict(type="Repeater")
train_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(type="EllipsoidData"))
test_dataloader = dict(
    batch_size=4, num_workers=0, dataset=dict(type="EllipsoidData", viewer=True)
)
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(optimizer=dict(type="Adam", lr=0.01))
test_cfg = dict()
test_evaluator = []
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "ellipsoids.py"
    path.write_text(CONFIG)
    return path


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def result(folder):
    return json.loads((folder / "dispersion.json").read_text())


def test_matrix(tmp_path, capsys):
    distances = squared_distances(plane_clusters(1).points)
    np.save(tmp_path / "plane.npy", distances)
    run("array", tmp_path / "plane.npy", "-k", 8, 2, "--seeds", 0, 1)
    out = tmp_path / "plane_dispersion"
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "dispersion.json")
    found = result(out)
    expected = dispersion_score(distances, num_clusters=8, seeds=(0, 1))
    assert found["score"] == expected.score
    assert found["scores"][0] == {"clusters": 8, **expected.to_dict()}
    assert [score["clusters"] for score in found["scores"]] == [8, 2]
    assert dict(found["curve"])[8] == expected.score
    for name in ("matrix", "clusters", "curve"):
        assert (out / f"{name}.png").stat().st_size > 5000


def test_clouds_and_their_sub_sample(tmp_path):
    data = EllipsoidData()
    clouds = np.stack([data[i]["surface_points"].numpy() for i in range(12)])
    np.savez(tmp_path / "clouds.npz", clouds=clouds)
    source, out = tmp_path / "clouds.npz", tmp_path / "out"
    run("array", source, "-k", 2, "--max-samples", 9, "--sample-seed", 3, "--out", out)
    found = result(out)
    assert (
        found["protocol"] | {"samples": 9, "sample_seed": 3, "points": 150}
        == (found["protocol"])
    )
    kinds = np.array(choose_samples(12, 9, seed=3)) % 2
    labels = np.array(found["labels"])
    assert (labels == kinds).all() or (labels == 1 - kinds).all()
    assert (out / "medoids.png").is_file()
    assert np.load(out / "cache" / "distances.npy").shape == (9, 9)


def test_shapes_and_images_of_a_config(config, tmp_path):
    run("shapes", config, "-k", 2, "--out", tmp_path / "shapes", "--no-figures")
    found = result(tmp_path / "shapes")
    assert found["protocol"]["split"] == "train"
    assert found["names"] == EllipsoidData().sample_ids
    labels = np.array(found["labels"])
    assert (labels[::2] == labels[0]).all() and (labels[1::2] == 1 - labels[0]).all()
    images = ("images", config, "-k", 2, "--features", "pixels")
    run(*images, "--out", tmp_path / "images")
    seen = result(tmp_path / "images")
    assert seen["labels"][0] != seen["labels"][1]
    assert seen["score"] > 0
    assert (tmp_path / "images" / "medoids.png").is_file()


def test_predictions_are_turned_back(config, tmp_path):
    weights = tmp_path / "model.pth"
    torch.save({"state_dict": Repeater().state_dict()}, weights)
    arguments = ("predictions", config, weights, "-k", 2, "--no-figures", "--out")
    run(*arguments, tmp_path / "object")
    run(*arguments, tmp_path / "viewer", "--keep-rotation")
    run("shapes", config, "-k", 2, "--no-figures", "--out", tmp_path / "true")
    back, kept = result(tmp_path / "object"), result(tmp_path / "viewer")
    assert back["protocol"]["rotated_back"] and not kept["protocol"]["rotated_back"]
    # The camera's turns add dispersion, unless they are undone.
    assert back["score"] == pytest.approx(result(tmp_path / "true")["score"], rel=1e-3)
    assert kept["score"] > 1.5 * back["score"]


@pytest.mark.parametrize("kind", ["points", "mesh", "voxels"])
def test_every_representation_becomes_points(kind):
    samples = [EllipsoidData()[index] for index in range(5)]
    model = Repeater(kind).eval()
    found = predicted_clouds(model, samples, num_points=80, batch_size=3)
    surface = predicted_clouds(model, samples, num_points=80, surface=True)
    assert surface.points.shape == (5, 80, 3)
    if kind == "voxels":
        # The first of each batch is empty.
        assert (found.empty, surface.empty) == (2, 1)
        assert (found.points[3] == 0).all()
    else:
        # Drawn points are those of the cloud or of its triangles.
        assert found.empty == surface.empty == 0
        expected = torch.stack([sample["input_points"] for sample in samples])
        np.testing.assert_array_equal(found.points, expected)


def test_mistakes_are_named(config, tmp_path):
    out = ("--out", tmp_path / "out")

    def fails(error, message, *arguments):
        with pytest.raises(error, match=message):
            run(*arguments, *out)

    fails(CheckpointError, "vgg16-397923af.pth", "images", config)
    wrong = tmp_path / "vgg.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, wrong)
    fails(
        CheckpointError,
        r"features.0.weight: expected shape \(64, 3, 3, 3\)",
        "images",
        config,
        "--weights",
        wrong,
    )
    fails(ConfigError, "expected perceptual", "images", config, "--features", "Nope")
    fails(ConfigError, "between 1 and the 12", "shapes", config, "-k", 13)
    fails(DataError, "expected a file, found none", "array", tmp_path / "nowhere.npy")
    np.save(tmp_path / "words.npy", np.array(["a"]))
    fails(DataError, r"clouds \(N, P, 3\)", "array", tmp_path / "words.npy")
    assert call(main, ["array", str(tmp_path / "words.npy"), "--out", str(out[1])]) == 2
