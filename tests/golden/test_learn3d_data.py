# SPDX-License-Identifier: Apache-2.0
"""Data sets of learn3d and its voxel IoU against what its loaders and program gave."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from scipy.io import savemat
from torch.utils.data import default_collate

from svr3d.datasets import Pascal3DPlus, SampleRandom, ShapeNetLSM, ShapeNetNMR
from svr3d.datasets.transforms import PackViews, Resize
from svr3d.datasets.view_bins import AngleBins, euler_bins
from svr3d.engine.config import load_config
from svr3d.errors import ConfigError, DataError
from svr3d.io.published_grids import from_object_frame, to_object_frame
from svr3d.metrics import VoxelIoU
from svr3d.registry import DATASETS
from svr3d.renderers.neural_cameras import points_from_angles
from svr3d.structures import Mesh

PACK = PackViews(mask_channel=False)


def load(golden, golden_dir, name):
    return golden.load(golden_dir / "learn3d" / name)


def four_channels(sample):
    return torch.cat([sample["images"][0], sample["masks"]]).numpy()


def unpack(bits, count):
    return np.unpackbits(bits)[: count * 32**3].reshape(count, 32, 32, 32)


def eye(sample):
    azimuth, elevation, distance = sample["view_angles"][0].double()
    return points_from_angles(distance, elevation, azimuth).numpy()


def test_cvpr18(golden, golden_dir, tmp_path):
    given, expected = load(golden, golden_dir, "data_cvpr18")
    grids = []
    for name in ("02691156", "02958343"):
        seen = given[f"images.{name}"]
        images = np.zeros((len(seen), 24, 4, 64, 64), np.uint8)
        images[:, : seen.shape[1]] = seen
        np.savez_compressed(tmp_path / f"{name}_val_images.npz", images)
        voxels = unpack(given[f"voxels.{name}"], len(seen)).astype(bool)
        np.savez_compressed(tmp_path / f"{name}_val_voxels.npz", voxels)
        grids += [*voxels]
    data = {
        size: ShapeNetNMR(
            str(tmp_path), [Resize(size, filter="gaussian"), PACK], split="val"
        )
        for size in (64, 40)
    }
    assert len(data[64]) == expected["length"]
    assert data[64].num_view_classes == 24
    for row, item in enumerate(expected["items"]):
        sample, small = data[64][int(item)], data[40][int(item)]
        np.testing.assert_allclose(
            four_channels(sample), expected["image.64"][row], rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(
            four_channels(small), expected["image.40"][row], rtol=0, atol=1e-5
        )
        np.testing.assert_allclose(eye(sample), expected["viewpoint"][row], atol=1e-6)
        assert sample["view_classes"].tolist() == [expected["view_id"][row]]
        assert int(sample["voxels"].sum()) == expected["voxel_sum"][row]
        back = from_object_frame(sample["voxels"].numpy(), "CVPR18")
        np.testing.assert_array_equal(back, grids[item // 24])
    for name, ids in expected.items():
        if name.startswith("eval_ids."):
            category = name.removeprefix("eval_ids.")
            own = [i for i, s in enumerate(data[64].sample_ids) if category in s]
            assert own == ids.tolist()


@pytest.fixture(scope="module")
def lsm(golden, golden_dir, tmp_path_factory):
    root = tmp_path_factory.mktemp("lsm")
    given, expected = load(golden, golden_dir, "data_nips17")
    models = ["aa", "bb"]
    grids = unpack(given["volume"], 2)
    (root / "voxels/modelVoxels32/02958343").mkdir(parents=True)
    for row, model in enumerate(models):
        folder = root / "renders/02958343" / model
        folder.mkdir(parents=True)
        for view in range(2):
            picture = given["render_rgb"][row, view][..., ::-1]
            cv2.imwrite(str(folder / f"render_{view}.png"), picture)
            cv2.imwrite(str(folder / f"depth_{view}.png"), given["depth"][row, view])
        np.savetxt(folder / "view.txt", given["views"][row])
        path = root / f"voxels/modelVoxels32/02958343/{model}.mat"
        savemat(path, {"Volume": grids[row]})
    lists = {"02958343": {"train": models, "val": [], "test": ["bb"]}}
    (root / "splits.json").write_text(json.dumps(lists))
    return root, given, expected


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_nips17(lsm, order):
    root, given, expected = lsm
    pipeline = [Resize(32, filter="gaussian"), PACK]
    dataset = ShapeNetLSM(
        str(root),
        pipeline,
        views_per_object=2,
        elevation_width=20,
        channel_order=order,
        check_files="full",
    )
    assert len(dataset) == 4 and dataset.num_view_classes == 72
    finer = ShapeNetLSM(str(root), [PACK], views_per_object=2, elevation_width=10)
    assert dataset.num_view_classes == expected["view_bins.15_20"]
    assert finer.num_view_classes == expected["view_bins.15_10"]
    for row, sample in enumerate(dataset):
        planes = four_channels(sample)
        if order == "rgb":
            planes = planes[[2, 1, 0, 3]]
        np.testing.assert_allclose(planes, expected["image"][row], rtol=0, atol=1e-5)
        np.testing.assert_allclose(eye(sample), expected["viewpoint"][row], atol=1e-6)
        assert sample["view_classes"].tolist() == [expected["view_id.15_20"][row]]
        assert finer[row]["view_classes"].tolist() == [expected["view_id.15_10"][row]]
        assert int(sample["voxels"].sum()) == expected["voxel_sum"][row]
        back = from_object_frame(sample["voxels"].numpy(), "NIPS17")
        np.testing.assert_array_equal(back, unpack(given["volume"], 2)[row // 2])
    found = AngleBins(15, 20).classes(given["grid"], source="grid")
    np.testing.assert_array_equal(found, expected["bin_grid"])


def test_nips17_files_that_do_not_fit(lsm, tmp_path):
    root = lsm[0]
    with pytest.raises(DataError, match="render_2.png"):  # three lines, two images
        ShapeNetLSM(str(root))
    assert len(ShapeNetLSM(str(root), skip_missing=True)) == 4
    with pytest.raises(DataError, match="expected samples in split 'val', found none"):
        ShapeNetLSM(str(root), split="val")
    with pytest.raises(ConfigError, match="channel_order must be one of"):
        ShapeNetLSM(str(root), channel_order="gbr")
    with pytest.raises(ConfigError, match="widths of view bins must be positive"):
        ShapeNetLSM(str(root), elevation_width=0)
    with pytest.raises(DataError, match="expected angles of -20 to 40 degrees"):
        AngleBins().classes(np.array([[0.0, 45.0]]), source="grid")
    (tmp_path / "splits.json").write_text("[1]")
    with pytest.raises(DataError, match="expected lists of models by category"):
        ShapeNetLSM(str(tmp_path))


@pytest.fixture(scope="module")
def pascal(golden, golden_dir, tmp_path_factory):
    root = tmp_path_factory.mktemp("pascal")
    given, expected = load(golden, golden_dir, "data_pascal3d")
    for source in ("train", "imagenet", "val"):
        names = sorted(n for n in given if n.startswith(f"{source}.image"))
        names = [name for name in names if name[-1].isdigit()]
        images = np.empty(len(names), object)
        images[:] = [given[name] for name in names]
        np.savez(
            root / f"car_{source}.npz",
            images=images,
            images_ref=given[f"{source}.images_ref"],
            bounding_boxes=given[f"{source}.bounding_boxes"],
            rotation_matrices=given[f"{source}.rotation_matrices"],
            voxels=unpack(given[f"{source}.voxels"], len(names)).astype(bool),
        )
    return root, expected


@pytest.mark.parametrize("part", ["train", "val"])
def test_pascal3d(pascal, part):
    root, expected = pascal
    dataset = Pascal3DPlus(str(root), split=part, image_size=40)
    assert dataset.metainfo["categories"] == ["car"]
    assert dataset.num_view_classes == expected[f"view_bins.{part}"]
    assert len(dataset) == len(expected[f"view_ids.{part}"])
    draws = SampleRandom(1)  # the program draws from one generator
    for row, key in enumerate(dataset._keys):
        read = dataset._read(key, draws, None)
        sample = PACK(read | {"category": 0, "sample_id": key.sample_id})
        np.testing.assert_allclose(
            four_channels(sample),
            expected[f"image.{part}"][row],
            rtol=0,
            atol=1.01 / 255,
        )
        np.testing.assert_array_equal(
            sample["rotations"][0], expected[f"rotation.{part}"][row]
        )
        assert sample["view_classes"].tolist() == [expected[f"view_ids.{part}"][row]]
        assert int(sample["voxels"].sum()) == expected[f"voxel_sum.{part}"][row]
    raw = euler_bins(expected[f"rotation.{part}"])
    np.testing.assert_array_equal(raw, expected[f"raw_bins.{part}"])
    assert dataset.metainfo["view_bins"] == sorted(set(raw.tolist()))


def test_pascal3d_options(pascal, tmp_path):
    root = pascal[0]
    plain = Pascal3DPlus(str(root), [PACK], image_size=24, augment=False)
    moved = Pascal3DPlus(str(root), [PACK], image_size=24)
    assert plain.sample_ids[3] == "02958343/imagenet_0"
    assert not torch.equal(plain[0]["images"], moved[0]["images"])
    assert torch.equal(moved[0]["images"], moved[0]["images"])
    assert torch.equal(plain[0]["masks"], moved[0]["masks"])
    assert len(Pascal3DPlus(str(root), sources=["train"])) == 3
    with pytest.raises(ConfigError, match="split must be one of"):
        Pascal3DPlus(str(root), split="test")
    with pytest.raises(DataError, match="did you mean|expected one of the categories"):
        Pascal3DPlus(str(root), categories=["chair"])
    with pytest.raises(DataError, match="expected <category>_train.npz"):
        Pascal3DPlus(str(tmp_path))
    content = dict(np.load(root / "car_val.npz", allow_pickle=True))
    np.savez(tmp_path / "car_val.npz", **content | {"voxels": np.zeros((1, 2, 2, 2))})
    with pytest.raises(DataError, match="car_val.npz: voxels: expected"):
        Pascal3DPlus(str(tmp_path), split="val")
    images = np.empty(2, object)
    images[:] = [print, print]
    np.savez(tmp_path / "car_val.npz", **content | {"images": images})
    with pytest.raises(DataError, match="builtins.print"):
        Pascal3DPlus(str(tmp_path), split="val")


def build_part(repository, name, root, part):
    init_default_scope("svr3d")
    path = repository / f"configs/_base_/datasets/{name}.py"
    options = {"data_root": str(root), "categories": ["car"]}
    loader = load_config(path, options, verbose=False)[f"{part}_dataloader"]
    return DATASETS.build(loader["dataset"])


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_configs_build_their_data(repository, lsm, pascal, part):
    photographs = build_part(repository, "pascal3d_plus", pascal[0], part)
    sample = default_collate(list(photographs))
    assert sample["images"].shape[1:] == (1, 3, 224, 224)
    assert sample["masks"].shape[1:] == (1, 224, 224)
    assert sample["rotations"].shape[1:] == (1, 3, 3)
    assert ("voxels" in sample) == (part != "train")
    if part == "train":  # the recorded tree has no complete views of other splits
        renderings = build_part(repository, "shapenet_lsm", lsm[0], part)
        assert renderings.sample_ids == ["02958343/aa", "02958343/bb"]
        sample = default_collate(list(renderings))
        assert sample["images"].shape == (2, 1, 3, 64, 64)
        assert sample["masks"].shape == (2, 1, 64, 64)
        assert sample["view_ids"].tolist() == [[0], [0]]


RULES = {
    "CVPR18": {"mode": "visibility", "scale": 31 / 32},
    "NIPS17": {"mode": "visibility", "scale": 31 / 32},
    "Pascal3D": {"mode": "visibility", "scale": 1 / 2},
}


@pytest.mark.parametrize("data", RULES)
def test_voxel_iou_in_our_frame(golden, golden_dir, data):
    """Turning the data, not the predictions, gives the recorded IoUs."""
    given, expected = golden.load(golden_dir / "voxelize" / "eval_iou")
    vertices = torch.from_numpy(given["vertices"]) * torch.tensor([1.0, 1.0, -1.0])
    faces = torch.from_numpy(given["faces"]).long()
    meshes = Mesh(vertices, faces)
    for row, mesh in enumerate(meshes):
        grid = mesh.to_voxels(32, **RULES[data]).probabilities[0].numpy()
        recorded = to_object_frame(expected[f"grid.{data}"][row], data)
        assert (grid != recorded).mean() <= 0.002
    truth = to_object_frame(given["voxels"], data).copy()
    np.testing.assert_array_equal(from_object_frame(truth, data), given["voxels"])
    metric = VoxelIoU((0.5,), bce_weight=None, mesh_voxels=RULES[data])
    metric.dataset_meta = {"categories": ["a", "b"], "taxonomy_ids": ["0", "1"]}
    batch = {
        "voxels": torch.from_numpy(truth),
        "images": torch.zeros(3, 1, 3, 1, 1),
        "category": torch.tensor([0, 0, 1]),
        "sample_id": ["0/x", "0/y", "1/z"],
    }
    metric.process(batch, list(meshes))
    found = metric.evaluate(3)
    single = [row["t=0.50"] for row in metric.samples]
    wanted = expected[f"iou.{data}"]
    np.testing.assert_allclose(single, wanted, rtol=0, atol=2e-3)
    # The published overall value is the mean of the classes' values.
    mean = (wanted[:2].mean() + wanted[2]) / 2
    assert found["voxel/iou_category_mean"] == pytest.approx(mean, abs=2e-3)
    assert metric.table.protocol["mesh_voxels"] == RULES[data]


def test_rule_of_meshes_is_checked():
    with pytest.raises(ConfigError, match="expected mode and scale, found rule"):
        VoxelIoU(mesh_voxels={"rule": "visibility"})
