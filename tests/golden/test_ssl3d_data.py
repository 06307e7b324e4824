# SPDX-License-Identifier: Apache-2.0
"""Files and cameras of ssl3d against what its programs wrote and read."""

import numpy as np
import pytest
import torch

from svr3d.datasets import ShapeNetDRC
from svr3d.datasets.transforms import DropAlpha, PackViews
from svr3d.errors import ConfigError, DataError
from svr3d.geometry.pose_camera import project_to_pixels, turn_to_camera
from svr3d.io.image_lists import write_image_list, write_neighbors
from svr3d.io.record_files import find_records, read_record
from svr3d.preparation.drc_packing import pack_drc

KINDS = {
    "rgb": "image",
    "mask": "mask",
    "pose": "pose",
    "pcl": "pcl_color",
    "rgb_2": "image_similar_2img",
    "mask_2": "mask_similar_2img",
}
PIPELINE = [DropAlpha(), PackViews(mask_channel=False)]
OPTIONS = {"neighbors": 1, "colors": True, "check_files": "full"}


@pytest.fixture(scope="module")
def case(golden, golden_dir):
    return golden.load(golden_dir / "ssl3d" / "record_files")


@pytest.fixture(scope="module")
def records(case, tmp_path_factory):
    """The recorded files, as the programs name them."""
    root = tmp_path_factory.mktemp("records")
    (root / "tfrecords").mkdir()
    for kind, name in KINDS.items():
        path = root / f"tfrecords/03001627_train_{name}.tfrecords"
        path.write_bytes(case[0][f"record_bytes.{kind}"].tobytes())
    return root


@pytest.fixture(scope="module")
def folders(case, tmp_path_factory):
    """The files that the records were written from."""
    root = tmp_path_factory.mktemp("folders")
    given = case[0]
    images = []
    for index, name in enumerate(given["names"]):
        model, view = str(name).rsplit("_", 1)
        images.append((model, int(view)))
        folder = root / "ShapeNet_rendered/03001627" / model
        folder.mkdir(parents=True)
        for kind in ("render", "mask"):
            content = given[f"{kind}_png_{index}"].tobytes()
            (folder / f"{kind}_{view}.png").write_bytes(content)
        (folder / "view.txt").write_bytes(given[f"view_txt_{index}"].tobytes())
        cloud = root / "ShapeNet_v1/03001627" / model
        cloud.mkdir(parents=True)
        np.save(cloud / "pcl_1024_fps_trimesh_colors.npy", given["pcl"][index])
    (root / "splits").mkdir()
    write_image_list(root / "splits/images_list_03001627_train.npy", images)
    first, second = map(str, given["names"])
    neighbors = {second: [first], first: [second]}  # in another order than the list
    write_neighbors(root / "knn_list_03001627.npy", neighbors)
    return root


@pytest.mark.parametrize("source", ["folders", "records"])
def test_record_files(case, source, request):
    given, expected = case
    root = request.getfixturevalue(source)
    dataset = ShapeNetDRC(str(root), PIPELINE, source=source, **OPTIONS)
    assert dataset.image_names == list(given["names"])
    planes = expected["rgb_float"].transpose(0, 3, 1, 2)
    near = expected["rgb_2.2"].transpose(0, 3, 1, 2).astype(np.float32) / 255
    near_masks = expected["mask_2.2"][..., 0].astype(np.float32) / 255
    for index, sample in enumerate(dataset):
        np.testing.assert_array_equal(sample["images"][0], planes[index])
        np.testing.assert_array_equal(sample["masks"][0], expected["mask_float"][index])
        pose = expected["pose.0"][index].astype(np.float32)
        np.testing.assert_allclose(sample["poses"][0], pose, rtol=0, atol=1e-6)
        cloud = expected["pcl.0"][index].reshape(1024, 6).astype(np.float32)
        np.testing.assert_array_equal(sample["surface_points"], cloud[:, :3])
        np.testing.assert_array_equal(sample["surface_colors"], cloud[:, 3:])
        np.testing.assert_array_equal(sample["neighbor_images"][0], near[index])
        np.testing.assert_array_equal(sample["neighbor_masks"][0], near_masks[index])


def test_own_record_files_are_those_of_the_program(folders, records, tmp_path):
    report = pack_drc(folders, tmp_path)
    assert len(report.counts) == len(KINDS) and set(report.counts.values()) == {2}
    for name in report.counts:
        theirs, ours = records / "tfrecords" / name, tmp_path / name
        for places in zip(find_records(theirs), find_records(ours), strict=True):
            expected = read_record(theirs, places[0])
            assert read_record(ours, places[1], check=True) == expected
        assert ours.stat().st_size == theirs.stat().st_size
    with pytest.raises(ConfigError, match="image.tfrecords: exists"):
        pack_drc(folders, tmp_path)


def test_damaged_records_are_named(records, tmp_path):
    source = records / "tfrecords/03001627_train_pose.tfrecords"
    content = bytearray(source.read_bytes())
    path = tmp_path / "damaged.tfrecords"
    place = find_records(source)[1]
    content[place.offset + 30] ^= 1
    path.write_bytes(content)
    assert read_record(source, place, check=True)["filename"] == b"cc01dd_0"
    with pytest.raises(DataError, match="damaged.tfrecords: record at byte 86"):
        read_record(path, find_records(path)[1], check=True)
    content[1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="wrong checksum"):
        find_records(path)
    path.write_bytes(source.read_bytes()[:-3])
    with pytest.raises(DataError, match="truncated"):
        find_records(path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_camera(golden, golden_dir, dtype):
    given, expected = golden.load(golden_dir / "ssl3d" / "camera")
    points = torch.from_numpy(given["xyz"]).to(dtype).requires_grad_()
    poses = torch.from_numpy(given["pose"]).to(dtype).requires_grad_()
    seen = turn_to_camera(points, poses)
    pixels = project_to_pixels(seen)
    (pixels * torch.from_numpy(given["weight"])).sum().backward()
    tolerance = {"rtol": 1e-5, "atol": 1e-4}
    np.testing.assert_allclose(seen.detach(), expected["cam"], **tolerance)
    np.testing.assert_allclose(pixels.detach(), expected["persp"], **tolerance)
    tolerance = {"rtol": 1e-4, "atol": 1e-2}
    np.testing.assert_allclose(points.grad, expected["grad.xyz"], **tolerance)
    np.testing.assert_allclose(poses.grad, expected["grad.pose"], **tolerance)
