# SPDX-License-Identifier: Apache-2.0
"""The data side of Occupancy Networks against what the original program computed."""

import json

import numpy as np
import pytest
import torch

from svr3d.datasets import OccNetDataset, OccNetHDF5, PointSampling, SeededIndex
from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import DivideByMaximum, Normalize, PackViews, Resize
from svr3d.geometry.cameras import choy_camera, to_object_frame
from svr3d.geometry.grids import grid_points
from svr3d.io.binvox import decode_binvox
from svr3d.io.hdf5 import open_hdf5
from svr3d.io.mesh_data import MeshData
from svr3d.io.points import (
    OccupancyPoints,
    SurfacePoints,
    decode_pointcloud,
    decode_points,
    write_pointcloud,
    write_points,
)
from svr3d.preparation.inside_labels import label_points
from svr3d.preparation.object_frame import normalize_mesh
from svr3d.preparation.occnet_hdf5 import occnet_to_hdf5
from svr3d.preparation.occupancy_samples import spread_uniform
from svr3d.preparation.watertight import (
    fuse_depth_maps,
    golden_angle_views,
    view_rotations,
)
from svr3d.structures.base import cell_centres

MODELS = {"03001627": ["m0", "m1"], "02691156": ["a0"]}


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / "occnet" / request.param)


def only(name):
    return pytest.mark.parametrize("case", [name], indirect=True)


def write_tree(given, expected, root):
    """Write the data set that the case describes."""
    names = {"03001627": "chair", "02691156": "airplane,aeroplane,plane"}
    metadata = {key: {"id": key, "name": names[key]} for key in names}
    (root / "metadata.yaml").write_text(json.dumps(metadata))
    placement = {key: np.float64(expected[key]) for key in ("loc", "scale")}
    labels = {"occupancies": given["occ_packed"]} | placement
    half = given["points"].astype(np.float16)
    for category, models in MODELS.items():
        for model in models:
            folder = root / category / model
            (folder / "img_choy2016").mkdir(parents=True)
            np.savez(folder / "points.npz", points=given["points"], **labels)
            np.savez(folder / "points16.npz", points=half, **labels)
            np.savez(
                folder / "pointcloud.npz",
                points=given["pc"],
                normals=given["pcn"],
                **placement,
            )
            (folder / "model.binvox").write_bytes(given["binvox"].tobytes())
            cameras = {}
            for view in range(3):
                path = folder / f"img_choy2016/{view:03d}.jpg"
                path.write_bytes(given[f"jpg{view}"].tobytes())
                cameras[f"world_mat_{view}"] = given["world_mat"][view]
                cameras[f"camera_mat_{view}"] = given["camera_mat"][view]
            np.savez(folder / "img_choy2016/cameras.npz", **cameras)
        (root / category / "train.lst").write_text("\n".join(models))
        (root / category / "val.lst").write_text("\n".join(models) + "\n")
    return root


def capture(sample):
    """Stand for a pipeline that leaves the sample as the reader made it."""
    return sample


def read(root, *, seed=0, pipeline=(capture,), **options):
    options = {"categories": list(MODELS), "voxels_file": None} | options
    dataset = OccNetDataset(str(root), pipeline, **options)
    return dataset[SeededIndex(0, seed)]


@pytest.fixture
def tree(case, tmp_path):
    return write_tree(*case, tmp_path)


@only("dataset_fields")
def test_index(case, tree):
    expected = case[1]
    for split, key in (("train", "models"), ("val", "models_val")):
        dataset = OccNetDataset(str(tree), split=split, categories=list(MODELS))
        # The program lists the line after a last newline as a model without a name.
        models = [name for name in expected[key] if not name.endswith("/")]
        assert dataset.sample_ids == models
    assert len(dataset) == expected["len_train"]
    assert dataset.category_ids[2] == expected["item2_category"]
    assert dataset.metainfo["categories"] == ["chair", "airplane"]


@only("dataset_fields")
def test_all_points(case, tree):
    expected = case[1]
    options = {"iou_points": True, "noise": 1e-4}
    sample = read(tree, points=options)
    np.testing.assert_array_equal(sample["points_iou"], expected["points"])
    np.testing.assert_array_equal(sample["occupancies_iou"], expected["occ"])
    options["iou_points_file"] = "points16.npz"
    sample = read(tree, seed=5, points=options)
    assert sample["points_iou"].dtype == np.float32
    np.testing.assert_allclose(
        sample["points_iou"], expected["points16_seed5"], rtol=1e-6
    )


@only("dataset_fields")
@pytest.mark.parametrize(
    "seed, number, name", [(6, 20, "sub20"), (7, (12, 8), "sub12_8")]
)
def test_drawn_points(case, tree, seed, number, name):
    sample = read(tree, seed=seed, points={"num_points": number})
    expected = case[1]
    np.testing.assert_array_equal(sample["points"], expected[f"{name}_seed{seed}"])
    np.testing.assert_array_equal(sample["occupancies"], expected[f"{name}_occ"])


@only("dataset_fields")
def test_point_clouds(case, tree):
    expected = case[1]
    sample = read(tree, points={"num_surface_points": "all"})
    np.testing.assert_array_equal(sample["surface_points"], expected["pc"])
    np.testing.assert_array_equal(sample["surface_normals"], expected["pcn"])
    options = {"num_input_points": 10, "input_noise": 0.005}
    sample = read(tree, seed=8, points=options)
    np.testing.assert_allclose(
        sample["input_points"], expected["pc_sub_noise_seed8"], rtol=1e-6
    )
    drawn = read(tree, seed=8, points={"num_surface_points": 10})
    normals = drawn["surface_normals"]
    np.testing.assert_array_equal(normals, expected["pcn_sub_seed8"])


@only("dataset_fields")
def test_grids(case, tree):
    given, expected = case
    voxels = read(tree, voxels_file="model.binvox")["voxels"]
    np.testing.assert_array_equal(voxels, expected["voxels"])
    np.testing.assert_array_equal(voxels, given["voxels_truth"])
    grid = decode_binvox(given["binvox"].tobytes())
    assert list(grid.translate) == expected["binvox_translate"].tolist()
    assert grid.scale == expected["binvox_scale"]


@only("dataset_fields")
def test_images(case, tree):
    expected = case[1]
    images = read(tree, pipeline=[Resize(224), PackViews()])["images"]
    assert images.shape == (1, 3, 224, 224)
    # JPEG decoders differ by a grey level, here and there by three.
    atol = 4 / 255
    np.testing.assert_allclose(images[0, :, ::8, ::8], expected["img224"], atol=atol)
    mean = expected["img224.sum"] / images.numel()
    assert abs(images.double().mean() - mean) < 0.2 / 255


@only("dataset_fields")
def test_random_view(case, tree):
    given, expected = case
    sample = read(tree, seed=3, view_selection="random", cameras=True)
    image = sample["images"][0, ..., ::-1].transpose(2, 0, 1)
    np.testing.assert_allclose(
        image[:, ::8, ::8], expected["random_view_seed3"], atol=4 / 255
    )
    view = int(sample["view_ids"][0])
    world = given["world_mat"][view].astype(np.float32)
    np.testing.assert_array_equal(world, expected["random_view_world_mat"])
    placed = place(given["world_mat"][view], expected["loc"], expected["scale"])
    torch.testing.assert_close(sample["extrinsics"][0], placed)
    intrinsics = sample["intrinsics"][0].float().numpy()
    np.testing.assert_array_equal(intrinsics, expected["camera_mat"])


def place(camera, loc, scale):
    """Return a camera (3, 4) of a mesh in the object frame."""
    loc, scale = np.float64(loc), float(scale)
    return to_object_frame(torch.from_numpy(camera), loc - scale / 2, scale)


@only("cameras")
def test_cameras(case):
    given, expected = case
    extrinsics, intrinsics = choy_camera(torch.from_numpy(given["metadata"]))
    # The published axes are those of a Blender export, off by 4e-8.
    check = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(extrinsics, expected["world_mat"], **check)
    np.testing.assert_allclose(intrinsics, expected["camera_mat"], **check)
    for index, (loc, scale) in enumerate(
        zip(given["loc"], given["scale"], strict=True)
    ):
        placed = place(extrinsics[index].numpy(), loc, scale).float().numpy()
        # Ours is rigid, with depths in units of the object frame.
        np.testing.assert_allclose(placed * scale, expected["Rt_fixed"][index], **check)
        points = given["points"][index]
        seen = points @ placed[:, :3].T + placed[:, 3]
        np.testing.assert_allclose(seen * scale, expected["p_camera"][index], **check)
        pixels = seen @ intrinsics[index].float().numpy().T
        image = pixels[:, :2] / pixels[:, 2:] * (2 / 137) - 1
        np.testing.assert_allclose(image, expected["p_image"][index], **check)
        back = (seen - placed[:, 3]) @ placed[:, :3]
        np.testing.assert_allclose(back, expected["p_back"][index], atol=1e-4)


@only("dataset_fields")
def test_points_of_arrays(case):
    """Stores keep the arrays of the files; they mean the same there."""
    given, expected = case
    arrays = {
        "points": given["points"],
        "occupancies": given["occ_packed"],
        "loc": expected["loc"],
        "scale": expected["scale"],
    }
    surface = {"points": given["pc"], "normals": given["pcn"]}
    drawn = PointSampling(num_points=20).draw(
        lambda name: decode_points(arrays, source=name),
        lambda name: decode_pointcloud(surface, source=name),
        SampleRandom(6),
        "memory",
    )
    np.testing.assert_array_equal(drawn["points"], expected["sub20_seed6"])


@only("make_3d_grid")
def test_grid_points(case):
    expected = case[1]
    found = grid_points((-1, 0, 2), (1, 3, 4), (3, 4, 5))
    np.testing.assert_allclose(found, expected["g"], rtol=0, atol=1e-7)
    edge = 0.5 - 1 / 64
    for centres in (
        grid_points((-edge,) * 3, (edge,) * 3, (32,) * 3),
        cell_centres(32).reshape(-1, 3),
    ):
        np.testing.assert_allclose(
            centres[::101], expected["voxel_centres_sub"], rtol=0, atol=1e-7
        )


def write_hdf5(given, root):
    """Write the two files that the cases of the HDF5 reader describe."""
    h5py = pytest.importorskip("h5py")
    names = ["02691156_aaa.h5", "03001627_bbb.h5"]
    for number, name in enumerate(names):
        with h5py.File(root / name, "w") as file:
            file["images"] = given[f"images{number}"]
            file["points/points"] = given[f"points{number}"]
            file["points/occupancies"] = given[f"occupancies_packed{number}"]
            file["pointcloud/points"] = given[f"pc{number}"]
            file["pointcloud/normals"] = given[f"pcn{number}"]
            for group in ("points", "pointcloud"):
                file[f"{group}/loc"], file[f"{group}/scale"] = np.zeros(3), 1.0
    (root / "train.lst").write_text("\n".join(names))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "case", ["lit_hdf5_reader", "lit_hdf5_reader_balanced"], indirect=True
)
def test_hdf5_reader(case, tmp_path, number, request):
    given, expected = case
    write_hdf5(given, tmp_path)
    balanced = "balanced" in request.node.callspec.params["case"]
    points = {"num_points": 64, "replace": False, "num_surface_points": "all"}
    if balanced:
        points["inside_share"] = (0.1, 0.35)
    mean, std = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)
    pipeline = [DivideByMaximum(), Normalize(mean, std), PackViews()]
    dataset = OccNetHDF5(str(tmp_path), pipeline, points=points)
    assert len(dataset) == expected["len"]
    sample = dataset[SeededIndex(number, 7 + number)]
    image = sample["images"][0]
    np.testing.assert_allclose(
        image[:, ::7, ::7], expected[f"image{number}"], rtol=1e-5, atol=1e-6
    )
    total = expected[f"image{number}.sum"]
    np.testing.assert_allclose(image.double().sum(), total, rtol=1e-5)
    np.testing.assert_array_equal(sample["points"], expected[f"points{number}"])
    np.testing.assert_array_equal(sample["occupancies"], expected[f"occ{number}"])
    if not balanced:
        for name, key in (("pc", "surface_points"), ("normals", "surface_normals")):
            cloud = expected[f"{name}{number}"].astype(np.float32)
            np.testing.assert_array_equal(sample[key], cloud)


@only("lit_data_process")
def test_hdf5_files(case, tmp_path):
    pytest.importorskip("h5py")
    given, expected = case
    lists = {"train": ["a0", "c0"], "val": ["a1"], "test": []}
    arrays = {"loc": np.zeros(3), "scale": np.float64(1)}
    for category in ("02691156", "03001627"):
        for split, models in lists.items():
            path = tmp_path / category / f"{split}.lst"
            path.parent.mkdir(exist_ok=True)
            initial = "a" if category == "02691156" else "c"
            mine = [model for model in models if model.startswith(initial)]
            path.write_text("\n".join(mine))
            for model in mine:
                write_process_object(given, arrays, path.parent / model)
    report = occnet_to_hdf5(tmp_path, tmp_path / "out")
    assert (report.made, report.kept, report.failures) == (3, 0, {})
    files = sorted(path.name for path in report.out.iterdir())
    assert files == expected["files"].tolist()
    for split in lists:
        names = sorted((report.out / f"{split}.lst").read_text().split())
        assert names == expected[f"{split}_lst_sorted"].tolist()
    with open_hdf5(report.out / "02691156_a0.h5") as file:
        tree = []
        file.visititems(
            lambda name, item: (
                tree.append(f"{name} {item.dtype} {item.shape}")
                if hasattr(item, "dtype")
                else None
            )
        )
        assert sorted(tree) == expected["tree"].tolist()
        means = sorted(image.mean() for image in file["images"][()])
        np.testing.assert_allclose(means, expected["image_mean_sorted"], atol=0.5)
        np.testing.assert_array_equal(file["points/points"], expected["points"])
        packed = file["points/occupancies"]
        np.testing.assert_array_equal(packed, expected["occ_packed"])


def write_process_object(given, arrays, folder):
    (folder / "img_choy2016").mkdir(parents=True)
    np.savez(
        folder / "points.npz",
        points=given["points"],
        occupancies=given["occ_packed"],
        **arrays,
    )
    cloud = given["pc"]
    np.savez(folder / "pointcloud.npz", points=cloud, normals=cloud, **arrays)
    cameras = {}
    for view in range(2):
        path = folder / f"img_choy2016/{view:03d}.jpg"
        path.write_bytes(given[f"jpg{view}"].tobytes())
        cameras[f"world_mat_{view}"] = np.eye(3, 4)
        cameras[f"camera_mat_{view}"] = np.eye(3)
    np.savez(folder / "img_choy2016/cameras.npz", **cameras)


@only("tsdf_fusion")
def test_fusion_of_depth_maps(case):
    given, expected = case
    directions = golden_angle_views(int(given["n_views"]))
    np.testing.assert_allclose(directions, expected["view_points"], atol=1e-12)
    rotations = view_rotations(directions)
    np.testing.assert_allclose(rotations, expected["view_R"], atol=1e-12)
    resolution = int(given["resolution"])
    found = fuse_depth_maps(
        torch.from_numpy(given["depthmaps"]),
        rotations,
        resolution=resolution,
        focal=float(given["focal"]),
        principal=float(given["principal"]),
        truncation=float(given["truncation_factor"]) / resolution,
    )
    np.testing.assert_allclose(found, expected["tsdf"], rtol=0, atol=1e-5)


@only("sample_mesh")
def test_points_of_a_mesh(case, tmp_path):
    given, expected = case
    box = MeshData(given["bbox_vertices"], given["faces"])
    placed = normalize_mesh(box)
    # Meshes are float32 here.
    np.testing.assert_allclose(placed.loc, expected["loc"], rtol=1e-6)
    np.testing.assert_allclose(placed.scale, expected["scale"], rtol=1e-6)
    vertices = (given["vertices"] - placed.loc) / placed.scale
    np.testing.assert_allclose(vertices, expected["scaled_vertices"], atol=1e-6)
    draws = np.random.RandomState(21).rand(int(given["n"]), 3)
    points = spread_uniform(draws, 0.1)
    inside = label_points(MeshData(vertices, given["faces"]), points)
    surface = expected["pcl_shape"]
    write_points(
        tmp_path / "points.npz",
        OccupancyPoints(points, inside, placed.loc, placed.scale),
    )
    write_pointcloud(
        tmp_path / "pointcloud.npz", SurfacePoints(np.zeros(surface), np.ones(surface))
    )
    with np.load(tmp_path / "points.npz") as arrays:
        assert sorted(arrays.files) == sorted(expected["keys"])
        np.testing.assert_array_equal(arrays["points"], expected["points"])
        assert arrays["points"].dtype == expected["points"].dtype
        np.testing.assert_array_equal(arrays["occupancies"], expected["occupancies"])
        assert arrays["loc"].dtype == arrays["scale"].dtype == np.float64
    with np.load(tmp_path / "pointcloud.npz") as arrays:
        assert sorted(arrays.files) == sorted(expected["pcl_keys"])
        kinds = [str(arrays[name].dtype) for name in ("points", "normals")]
        assert kinds == expected["pcl_dtypes"].tolist()
