# SPDX-License-Identifier: Apache-2.0
"""Codes in the plane, neighbours, and codes between codes."""

import sys

import numpy as np
import pytest
import torch

from svr3d.analysis.embedding import embed_codes, neighbor_agreement
from svr3d.analysis.interpolation import code_path
from svr3d.errors import ConfigError, DataError


def clusters(length=60):
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    centres = 8 * generator.normal(size=(3, length))
    return centres[labels] + generator.normal(size=(60, length)), labels


def test_clusters_stay_together():
    pytest.importorskip("sklearn")
    codes, labels = clusters()
    places = embed_codes(codes, perplexity=10)
    assert places.shape == (60, 2) and places.dtype == np.float32
    assert neighbor_agreement(places, labels) == 1
    np.testing.assert_array_equal(places, embed_codes(codes, perplexity=10))


def test_wrong_codes(monkeypatch):
    with pytest.raises(DataError, match=r"at least 4 .*found shape \(3, 2\)"):
        embed_codes(np.zeros((3, 2)))
    codes = np.zeros((5, 2))
    codes[3, 1] = np.nan
    with pytest.raises(DataError, match="found 1 codes with others, the first at 3"):
        embed_codes(codes)
    with pytest.raises(ConfigError, match="pca_features >= 2"):
        embed_codes(np.zeros((5, 2)), pca_features=1)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(ConfigError, match=r"pip install 'svr3d\[embedding\]'"):
        embed_codes(np.zeros((5, 2)))


def test_neighbors_of_other_groups():
    codes = np.array([[0.0], [0.1], [1.0], [1.2]])
    labels = np.array([0, 0, 1, 0])
    assert neighbor_agreement(codes, labels) == 0.5
    # Without those of the own group, 0 and 1 have 2 next, 2 has 1, and 3 has 1.
    groups = np.array([5, 5, 6, 6])
    assert neighbor_agreement(codes, labels, exclude=groups) == 0.25
    assert np.isnan(neighbor_agreement(codes, labels, exclude=np.zeros(4)))


def test_path():
    codes = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 3.0]]).double()
    path = code_path(codes, 5)
    assert path.shape == (11, 2)
    expected = codes[0] + (codes[1] - codes[0]) * torch.arange(6).double()[:, None] / 5
    torch.testing.assert_close(path[:6], expected)
    torch.testing.assert_close(path[[0, 5, 10]], codes)
    grids = torch.rand(2, 3, 2, 2, 2)
    assert torch.equal(code_path(grids, 2)[1], grids[0] + (grids[1] - grids[0]) * 0.5)
    with pytest.raises(ValueError, match="at least 2 codes and 1 step, found 1 and 5"):
        code_path(codes[:1], 5)
