# SPDX-License-Identifier: Apache-2.0
"""Codes of views, and how far apart they are."""

import numpy as np
import pytest
import torch

from svr3d.analysis.codes import (
    CodeCollector,
    CodeTable,
    encode_samples,
    single_views,
)
from svr3d.analysis.mmd import gaussian_kernels, mean_of_pairs, mmd_rbf
from svr3d.analysis.view_domains import label_views, measure_domains
from svr3d.errors import DataError
from svr3d.models.reconstructors.base import BaseReconstructor


class MeanColor(BaseReconstructor):
    """The code is the mean colour of the first view."""

    def loss(self, batch):
        return {}

    def predict(self, batch):
        return None

    def code(self, batch):
        assert batch["images"].shape[1] == 1
        return batch["images"][:, 0].mean((2, 3))


def samples(count=6, views=4):
    """Objects whose views are told apart by the first colour."""
    for index in range(count):
        images = torch.rand(views, 3, 4, 4)
        images[:, 0] = torch.arange(views)[:, None, None].float()
        yield {
            "images": images,
            "view_ids": torch.arange(views),
            "view_angles": torch.tensor([[90.0 * v - 180, 0, 1] for v in range(views)]),
            "voxels": torch.zeros(index, 1, 1),  # targets may differ in size
            "category": index % 2,
            "sample_id": f"a/{index}",
        }


def table_of(codes, views, **changes):
    count = len(codes)
    settings = dict(
        codes=np.asarray(codes, np.float32),
        views=np.asarray(views),
        azimuths=np.full(count, np.nan, np.float32),
        categories=np.zeros(count, np.int64),
        sample_ids=[f"a/{index}" for index in range(count)],
    )
    return CodeTable(**settings | changes)


def test_each_view_is_encoded_by_itself(tmp_path):
    table = encode_samples(
        MeanColor().eval(), samples(), batch_size=4, category_names=["x", "y"]
    )
    assert table.codes.shape == (24, 3)
    np.testing.assert_array_equal(table.views, np.tile(np.arange(4), 6))
    np.testing.assert_allclose(table.codes[:, 0], table.views, atol=1e-6)
    np.testing.assert_allclose(table.azimuths[:4], [180, 270, 0, 90])
    assert table.sample_ids[:5] == ["a/0"] * 4 + ["a/1"]
    np.testing.assert_array_equal(table.categories[:8], [0] * 4 + [1] * 4)
    again = CodeTable.load(table.save(tmp_path / "codes.npz"))
    assert np.array_equal(again.codes, table.codes)
    assert again.sample_ids == table.sample_ids
    assert again.category_names == ["x", "y"] and again.facts == table.facts


def test_classes_of_views_come_before_numbers():
    collector = CodeCollector()
    batch = {
        "images": torch.rand(2, 1, 3, 4, 4),
        "view_ids": torch.tensor([[0], [0]]),
        "view_classes": torch.tensor([[5], [3]]),
        "poses": torch.tensor([[[np.pi / 2, 0.1]], [[-np.pi / 2, 0.1]]]),
        "sample_id": ["a", "b"],
    }
    collector.add(MeanColor().eval(), batch)
    table = collector.table()
    assert table.views.tolist() == [5, 3] and table.categories.tolist() == [-1, -1]
    np.testing.assert_allclose(table.azimuths, [90, 270], rtol=1e-6)
    # A second process that saw the second sample too.
    other = CodeCollector()
    other.add(MeanColor().eval(), {k: v[1:] for k, v in batch.items()})
    collector.merge([other])
    assert len(collector.table()) == 2


def test_views_that_are_samples_of_their_own():
    codes, views = np.zeros((4, 2)), [0, 11, 0, 3]
    table = table_of(codes, views, sample_ids=["a/x_00", "a/x_11", "a/y_00", "a/x_03"])
    assert table.objects.tolist() == [0, 0, 1, 0]
    # Names of which not all end with the view are names of objects.
    table = table_of(codes, views, sample_ids=["a/x_00", "a/x_11", "a/y_00", "a/x_00"])
    assert table.objects.tolist() == [0, 1, 2, 0]


def test_views_keep_their_order():
    batch = {"images": torch.rand(2, 3, 3, 4, 4), "category": torch.tensor([7, 8])}
    single = single_views(batch | {"sample_id": ["a", "b"], "unit": 0.5})
    assert torch.equal(single["images"][4, 0], batch["images"][1, 1])
    assert single["category"].tolist() == [7] * 3 + [8] * 3
    assert single["sample_id"] == ["a"] * 3 + ["b"] * 3 and single["unit"] == 0.5
    with pytest.raises(DataError, match="expected 'images', found 'points'"):
        single_views({"points": torch.zeros(1, 2, 3)})


def test_azimuths_in_bins():
    degrees = np.array([0, 44.9, 45, 359.999999], np.float32)
    table = table_of(np.zeros((4, 2)), [0] * 4, azimuths=degrees)
    places, names = label_views(table, azimuth_bins=8)
    assert places.tolist() == [0, 0, 1, 2]
    assert names == ["0 to 45 degrees", "45 to 90 degrees", "315 to 360 degrees"]


def test_what_has_no_views():
    table = table_of(np.zeros((3, 2)), [-1] * 3)
    with pytest.raises(DataError, match="expected a data set with view_ids"):
        label_views(table)
    with pytest.raises(DataError, match="expected a data set with view_angles"):
        label_views(table, azimuth_bins=4)
    one_each = table_of(np.zeros((3, 2)), [0, 0, 1])
    with pytest.raises(DataError, match="expected two of two codes or more, found 1"):
        measure_domains(one_each)


def test_codes_that_tell_the_view_are_far_apart():
    generator = np.random.default_rng(0)
    views = np.tile(np.arange(3), 40)
    noise = generator.normal(size=(120, 8))
    apart = noise + 3 * np.eye(3, 8)[views]
    told, hidden = (measure_domains(table_of(codes, views)) for codes in (apart, noise))
    assert told.mean > 3 * told.chance
    assert hidden.mean == pytest.approx(hidden.chance, rel=0.3)
    assert told.counts == [40] * 3 and told.labels == ["view 0", "view 1", "view 2"]
    # The scale of codes is of no meaning.
    scaled = measure_domains(table_of(1000 * apart, views))
    assert scaled.mean == pytest.approx(told.mean, rel=1e-4)
    fewer = measure_domains(table_of(apart, views), most=10)
    assert fewer.counts == [10] * 3
    expected = measure_domains(table_of(apart[:30], views[:30]))
    np.testing.assert_allclose(fewer.matrix, expected.matrix)


def test_the_discrepancy_by_its_definition():
    torch.manual_seed(1)
    x, y = torch.randn(5, 3).double(), torch.randn(7, 3).double() + 1
    pooled = torch.cat([x, y])
    squared = (pooled[:, None] - pooled).square().sum(2)
    kernels = sum(torch.exp(-squared / (0.5 * 2.0**i)) for i in range(-2, 3))
    weights = torch.cat([torch.full((5,), 1 / 5), torch.full((7,), -1 / 7)]).double()
    expected = weights @ kernels @ weights
    torch.testing.assert_close(mmd_rbf(x, y, bandwidth=0.5), expected)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda a: mmd_rbf(a, y, bandwidth=0.5), (x,))
    assert abs(mmd_rbf(x, x).item()) < 1e-12
    same = torch.ones(4, 2)
    assert mmd_rbf(same, same).item() == 0
    with pytest.raises(ValueError, match=r"found \(5, 3\) and \(7, 2\)"):
        mmd_rbf(x, y[:, :2])
    with pytest.raises(ValueError, match="bandwidth > 0"):
        gaussian_kernels(x, y, bandwidth=0.0)
    with pytest.raises(ValueError, match="expected at least two, found 1"):
        mean_of_pairs(torch.zeros(1, 1))


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "codes.npz"
    with pytest.raises(DataError, match="expected a file of codes, found none"):
        CodeTable.load(path)
    np.savez(path, codes=np.zeros((2, 2)))
    with pytest.raises(DataError, match="codes.npz: expected codes as svr3d embed"):
        CodeTable.load(path)
