# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from svr3d.errors import DataError
from svr3d.io.splits import (
    CategorySplit,
    category_model_pairs,
    list_models,
    read_taxonomy,
    write_taxonomy,
)

CHAIR = {"taxonomy_id": "c", "taxonomy_name": "chair", "train": ["b", "a"]}


def test_round_trip_keeps_order_and_baseline(tmp_path):
    models = {"train": ["b", "a"], "val": [], "test": ["c"]}
    categories = [
        CategorySplit("03001627", "chair", models, {"1-view": 0.466}),
        CategorySplit("x", "x", models),
    ]
    write_taxonomy(tmp_path / "split.json", categories)
    assert read_taxonomy(tmp_path / "split.json") == categories
    assert "baseline" not in json.loads((tmp_path / "split.json").read_text())[1]


def test_test_list_stands_for_a_missing_val_list(tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps([CHAIR | {"test": ["t"]}]))
    (category,) = read_taxonomy(path)
    assert list(category.of("val")) == ["t"]
    assert list(category.of("train")) == ["b", "a"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "expected JSON"),
        ("[]", "list of categories"),
        ("{}", "list of categories"),
        (json.dumps([{"train": []}]), "text taxonomy_id"),
        (json.dumps([CHAIR, CHAIR]), "'c' twice"),
        (json.dumps([CHAIR | {"test": ["a"]}]), "'a' in train and test"),
        (json.dumps([CHAIR | {"train": ["a", "a"]}]), "'a' in train and train"),
        (json.dumps([CHAIR | {"train": "abc"}]), "list of names as 'train'"),
        (json.dumps([CHAIR | {"baseline": {"1-view": "x"}}]), "baseline as numbers"),
    ],
)
def test_broken_lists_are_refused(tmp_path, content, message):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as error:
        read_taxonomy(path)
    assert str(path) in str(error.value)


def test_portions_cover_each_category_once(tmp_path):
    for category, count in (("b", 7), ("a", 4)):
        for number in range(count):
            (tmp_path / category / f"m{number}").mkdir(parents=True)
    (tmp_path / "notes.txt").touch()
    models = list_models(tmp_path)
    assert list(models) == ["a", "b"]
    train = category_model_pairs(models, (0, 0.8))
    test = category_model_pairs(models, (0.8, 1))
    assert len(train) == 3 + 5 and len(test) == 1 + 2
    assert sorted(train + test) == [(c, m) for c in models for m in models[c]]


@pytest.mark.parametrize("portion", [(-0.1, 1), (0.5, 0.2), (0, 1.5)])
def test_impossible_portions(portion):
    with pytest.raises(ValueError, match="portion must be"):
        category_model_pairs({}, portion)


def test_missing_tree(tmp_path):
    with pytest.raises(DataError, match="folder of categories"):
        list_models(tmp_path / "absent")
