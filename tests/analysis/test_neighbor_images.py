# SPDX-License-Identifier: Apache-2.0
"""Which images look alike, and the lists that say so."""

import cv2
import numpy as np
import pytest
import torch

from svr3d.analysis.dispersion.image_dissimilarity import EncoderFeatures
from svr3d.analysis.neighbor_images import nearest_images
from svr3d.cli.mine_neighbours import main
from svr3d.datasets import ShapeNetDRC
from svr3d.errors import DataError
from svr3d.io.image_lists import read_neighbors, write_image_list

NAMES = ["a_0", "b_3", "c_1", "d_2", "e_0", "f_9"]


def test_nearest_by_hand():
    features = torch.tensor([[0.0], [1.0], [1.5], [5.0], [5.0], [100.0]])
    found = nearest_images(features, NAMES, list("abcdef"), count=2)
    assert found["a_0"] == ["b_3", "c_1"]
    assert found["c_1"] == ["b_3", "a_0"]
    assert found["d_2"] == ["e_0", "c_1"]  # not itself, though another is as near
    assert found["f_9"] == ["d_2", "e_0"]
    same = nearest_images(features, NAMES, list("aacdef"), count=1)
    assert same["a_0"] == ["c_1"]  # b_3 shows the same model
    with pytest.raises(DataError, match="a_0: expected 5 images of other models"):
        nearest_images(features, NAMES, list("aacdef"), count=5)
    with pytest.raises(DataError, match="finite"):
        nearest_images(features * torch.nan, NAMES, list("abcdef"))


@pytest.fixture
def tree(tmp_path):
    """Squares whose sides grow from model to model."""
    (tmp_path / "splits").mkdir()
    write_image_list(
        tmp_path / "splits/images_list_box_train.npy",
        [(f"m{k}", 0) for k in range(6)],
    )
    for place in range(6):
        folder = tmp_path / f"ShapeNet_rendered/box/m{place}"
        folder.mkdir(parents=True)
        mask = np.zeros((32, 32), np.uint8)
        mask[4 : 8 + 4 * place, 4:12] = 255
        cv2.imwrite(str(folder / "mask_0.png"), mask)
        cv2.imwrite(str(folder / "render_0.png"), np.dstack([mask] * 4))
    return tmp_path


@pytest.mark.parametrize("features", ["pixels", "silhouette"])
def test_lists_are_what_the_data_set_reads(repository, tree, features, capsys):
    config = repository / "configs/_base_/datasets/shapenet_drc.py"
    options = [f"data_root={tree}", "categories=['box']"]
    arguments = ["--features", features, "--count", "2", "--cfg-options", *options]
    assert main([str(config), *arguments]) == 0
    path = tree / "knn_list_box.npy"
    assert capsys.readouterr().out.strip() == str(path)
    found = read_neighbors(path)
    assert np.load(path).dtype.kind == "S" and list(found) == [
        f"m{k}_0" for k in range(6)
    ]
    if features == "pixels":
        assert set(found["m0_0"]) == {"m1_0", "m2_0"}
        assert set(found["m3_0"]) == {"m2_0", "m4_0"}
    assert main([str(config), "--features", features, "--cfg-options", *options]) == 0
    assert "box: 5 neighbours" in capsys.readouterr().out
    assert {len(names) for names in read_neighbors(path).values()} == {5}
    dataset = ShapeNetDRC(str(tree), poses=False, points=False, neighbors=2)
    assert len(dataset) == 6 and "neighbor_masks" in dataset[0]


def test_codes_of_images_and_masks():
    class Model(torch.nn.Module):
        def data_preprocessor(self, batch, training):
            return batch | {"images": batch["images"] - 0.5}

        def code(self, batch):
            assert batch["images"].shape[:2] == batch["masks"].shape[:2] == (4, 1)
            parts = batch["images"][:, 0].mean((2, 3)), batch["masks"].mean((2, 3))
            return torch.cat(parts, dim=1)

    images, masks = torch.rand(4, 3, 8, 8), torch.rand(4, 1, 8, 8)
    found = EncoderFeatures(Model())(images, masks)
    torch.testing.assert_close(found[:, :3], images.mean((2, 3)) - 0.5)
    torch.testing.assert_close(found[:, 3:], masks.mean((2, 3)))
    with pytest.raises(DataError, match="expected a model with a backbone"):
        EncoderFeatures(torch.nn.Module())
