# SPDX-License-Identifier: Apache-2.0
"""Cameras, seeds, sources and splits."""

import numpy as np
import pytest

from svr3d.errors import ConfigError, DataError
from svr3d.preparation.camera_sampling import sample_choy_metadata
from svr3d.preparation.seeding import stable_rng, stable_seed
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.sources import find_sources
from svr3d.preparation.splitting import split_objects


def test_cameras_have_the_published_distribution():
    rows = sample_choy_metadata(20_000, stable_rng("cameras"))
    ranges = ((0, 360), (25, 30), None, (0.65, 0.95), None)
    for column, bounds in enumerate(ranges):
        if bounds is None:
            continue
        values, (low, high) = rows[:, column], bounds
        assert values.min() >= low and values.max() <= high
        share = (values - low) / (high - low)
        assert abs(share.mean() - 0.5) < 0.01
        assert abs(share.var() - 1 / 12) < 0.002
    assert (rows[:, 2] == 0).all() and (rows[:, 4] == 25).all()


def test_seeds_are_the_same_everywhere():
    # The value of another machine, written down: Python's own hash would differ.
    assert stable_seed(0, "chair/a") == 0xE12940CE49F4077
    assert stable_seed(0, "chair/a") != stable_seed(1, "chair/a")
    assert stable_seed("ab", "c") != stable_seed("a", "bc")


def test_split_is_stratified_disjoint_and_seeded():
    names = [f"big/{i}" for i in range(100)] + [f"small/{i}" for i in range(3)]
    names += ["pair/0", "pair/1", "one/0"]
    splits = {
        s.taxonomy_id: s.models for s in split_objects(names, (0.7, 0.1, 0.2), seed=0)
    }
    sizes = {
        name: [len(m[k]) for k in ("train", "val", "test")]
        for name, m in splits.items()
    }
    assert sizes == {
        "big": [70, 10, 20],
        "small": [1, 1, 1],
        "pair": [1, 0, 1],
        "one": [1, 0, 0],
    }
    for name, models in splits.items():
        together = sum(models.values(), [])
        assert len(set(together)) == len(together)
        assert len(together) == sum(n.startswith(name + "/") for n in names)
    again = split_objects(reversed(names), (0.7, 0.1, 0.2), seed=0)
    assert {s.taxonomy_id: s.models for s in again} == splits
    other = split_objects(names, (0.7, 0.1, 0.2), seed=1)
    assert {s.taxonomy_id: s.models for s in other} != splits


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [((1, 0, 0), [10, 0, 0]), ((0, 0, 1), [0, 0, 10]), ((0, 0.5, 0.5), [0, 5, 5])],
)
def test_shares_of_zero(shares, sizes):
    (split,) = split_objects([f"a/{i}" for i in range(10)], shares, seed=0)
    assert [len(split.models[k]) for k in ("train", "val", "test")] == sizes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "r2n3"}, "layout: expected one of r2n2"),
        ({"up": "x"}, "up: expected one of y, z"),
        ({"views": 0}, "views: expected 1 to 1000, found 0"),
        ({"voxel_resolution": 2}, "voxel_resolution: expected 4 to 512"),
        ({"split": (0.7, 0.1, 0.1)}, "split: expected three shares that sum to 1"),
        ({"split": (1.2, -0.1, -0.1)}, "split: expected three shares"),
    ],
)
def test_wrong_settings(change, message):
    with pytest.raises(ConfigError, match=message):
        BuildSettings(**change)


def test_sources_are_found_in_order(mesh_folder):
    (mesh_folder / "README.md").write_text("not a mesh")
    (mesh_folder / "cone" / "notes.txt").write_text("not a mesh")
    (mesh_folder / "box" / "box1.ply").write_bytes(b"same name as box1.obj")
    sources, duplicates = find_sources(mesh_folder)
    assert [s.sample_id for s in sources] == [
        f"{c}/{c}{i}" for c in ("box", "cone") for i in range(6)
    ]
    assert "found box1.obj with the same name" in "".join(duplicates.values())


def test_folders_without_meshes(tmp_path):
    with pytest.raises(DataError, match="found no folder"):
        find_sources(tmp_path / "none")
    (tmp_path / "loose.glb").write_bytes(b"")
    with pytest.raises(DataError, match=r"found none \(1 lie outside"):
        find_sources(tmp_path)


def test_random_numbers_of_an_object_stand_alone():
    first = stable_rng(0, "a/b", "points").random(3)
    assert np.array_equal(first, stable_rng(0, "a/b", "points").random(3))
