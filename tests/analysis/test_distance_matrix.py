# SPDX-License-Identifier: Apache-2.0
"""Distance matrices: values, restarts, what they refuse."""

import numpy as np
import pytest
import torch

from svr3d.analysis.dispersion import distance_matrix, matrix_file
from svr3d.analysis.dispersion.distance_matrix import (
    cloud_distances_matrix,
    feature_distances_matrix,
)
from svr3d.analysis.dispersion.matrix_file import fill_symmetric
from svr3d.errors import DataError
from svr3d.ops import chamfer_distance


@pytest.fixture
def clouds():
    return np.random.RandomState(0).rand(11, 40, 3).astype(np.float32)


def test_every_pair_of_clouds(clouds, monkeypatch):
    # Several calls per block, the last of them partly filled.
    monkeypatch.setitem(distance_matrix._POINTS_PER_CALL, "cpu", 7 * 40)
    found = cloud_distances_matrix(clouds, block=4)
    tensors = torch.from_numpy(clouds)
    for i in range(11):
        expected = chamfer_distance(
            tensors[i].expand(11, -1, -1), tensors, batch="none"
        ).numpy()
        np.testing.assert_allclose(found[i], expected, rtol=1e-5, atol=1e-8)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, found.T)
    assert (np.diagonal(found) == 0).all()


def test_every_pair_of_features(monkeypatch):
    monkeypatch.setattr(distance_matrix, "_FEATURES_AT_ONCE", 5)
    features = 100 + np.random.RandomState(0).rand(9, 13).astype(np.float32)
    features[4] = features[7]
    found = feature_distances_matrix(features, block=4)
    difference = features[:, None].astype(np.float64) - features
    expected = np.square(difference).mean(axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    assert found.min() >= 0 and found[4, 7] < 1e-9


def test_goes_on_after_an_interruption(tmp_path):
    computed = []

    def compute(rows, columns, *, until=99):
        if len(computed) == until:
            raise KeyboardInterrupt
        computed.append((rows.start, columns.start))
        i, j = (np.arange(part.start, part.stop) for part in (rows, columns))
        return np.abs(i[:, None] - j)

    path = tmp_path / "cache" / "distances.npy"
    settings = {"block": 4, "path": path, "content": {"clouds": "a"}}
    with pytest.raises(KeyboardInterrupt):
        fill_symmetric(10, lambda r, c: compute(r, c, until=3), **settings)
    matrix = fill_symmetric(10, compute, **settings)
    assert len(computed) == len(set(computed)) == 6  # half of 3 x 3 blocks
    expected = np.abs(np.arange(10)[:, None] - np.arange(10))
    np.testing.assert_array_equal(matrix, expected)
    assert isinstance(matrix, np.memmap)
    np.testing.assert_array_equal(np.load(path), expected)
    # A finished matrix is taken as it is; of other content it is computed anew.
    fill_symmetric(10, compute, **settings)
    assert len(computed) == 6
    fill_symmetric(10, compute, **{**settings, "content": {"clouds": "b"}})
    assert len(computed) == 12


def test_line_of_the_journal_that_was_cut_off(tmp_path):
    path = tmp_path / "distances.npy"
    settings = {"block": 2, "path": path}
    fill_symmetric(4, lambda r, c: np.ones((2, 2)), **settings)
    journal = tmp_path / "distances.npy.journal"
    journal.write_text(journal.read_text().rstrip("\n")[:-1])
    again = []

    def compute(rows, columns):
        again.append((rows.start, columns.start))
        return np.ones((2, 2))

    fill_symmetric(4, compute, **settings)
    assert again == [(2, 2)]
    assert journal.read_text().splitlines()[1:] == ["0 0", "0 2", "2 2"]


def test_other_clouds_make_another_matrix(tmp_path, clouds):
    path = tmp_path / "distances.npy"
    first = np.array(cloud_distances_matrix(clouds, path=path))
    clouds[3] += 1
    second = cloud_distances_matrix(clouds, path=path)
    assert (np.array(second)[3] != first[3]).sum() == 10
    assert matrix_file.content_hash(clouds) != matrix_file.content_hash(clouds[:-1])


def test_wrong_input_is_named(clouds):
    with pytest.raises(
        DataError, match=r"clouds: expected \(N, P, 3\), found .*\(4, 2"
    ):
        cloud_distances_matrix(np.zeros((4, 2, 2)))
    with pytest.raises(DataError, match=r"features: expected \(N, F\)"):
        feature_distances_matrix(clouds)
    clouds[6, 1, 2] = np.nan
    with pytest.raises(DataError, match=r"clouds\[6\]: expected finite"):
        cloud_distances_matrix(clouds)
