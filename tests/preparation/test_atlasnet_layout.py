# SPDX-License-Identifier: Apache-2.0
"""A folder of meshes becomes AtlasNet's layout, and comes back from it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import trimesh
from torch.utils.data import default_collate

from svr3d.cli.build_dataset import main
from svr3d.datasets import ShapeNetAtlasNet
from svr3d.datasets.transforms import DropAlpha, PackViews
from svr3d.errors import ConfigError
from svr3d.geometry.cameras import project
from svr3d.io.cameras import read_cameras, read_rendering_metadata
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.settings import BuildSettings

YAW = "ShapeNetV1RenderingAnglelimit/ShapeNetV1RenderingSampleYaw{:03d}/image"
RANGES = (0, 90)
ARGUMENTS = [
    "--layout", "atlasnet", "--views", "3", "--resolution", "48", "--supersample", "2",
    "--num-surface-points", "800", "--yaw-ranges", "0", "90",
    "--limited-resolution", "64", "--workers", "0",
]  # fmt: skip


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    """Plates with a post at a corner: no symmetry, off centre, in odd units."""
    folder = tmp_path_factory.mktemp("meshes")
    for category, count in (("post", 5), ("step", 2)):
        (folder / category).mkdir()
        for index in range(count):
            parts = [
                trimesh.creation.box(bounds=[[-2, 1, 0.5], [4, 1.6, 1.5]]),
                trimesh.creation.box(bounds=[[3, 1.6, 0.5], [4, 4 + index, 1.1]]),
            ]
            mesh = trimesh.util.concatenate(parts)
            mesh.export(folder / category / f"{category}{index}.obj")
    return folder


@pytest.fixture(scope="module")
def built(meshes, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    assert main([str(meshes), str(out), *ARGUMENTS]) == 0
    return out


def test_files(built):
    cloud = np.load(built / "ShapeNetV1PointCloud/post/post1.points.ply.npy")
    assert cloud.dtype == np.float32 and cloud.shape == (800, 6)
    np.testing.assert_allclose(np.linalg.norm(cloud[:, 3:], axis=1), 1, atol=1e-5)
    folder = built / "ShapeNetV1Renderings/post/post1/rendering"
    assert sorted(path.name for path in folder.iterdir()) == [
        "00.png", "01.png", "02.png", "cameras.npz", "rendering_metadata.txt"
    ]  # fmt: skip
    names = json.loads((built / "taxonomy.json").read_text())
    assert names == [{"synsetId": n, "name": n} for n in ("post", "step")]
    manifest = json.loads((built / "manifest.json").read_text())
    assert "voxels_inside" not in manifest["objects"]["post/post1"]
    assert manifest["objects"]["post/post1"]["surface_points"] == 800


@pytest.mark.parametrize("views", [(0, 0), (1, 2)])
def test_clouds_are_what_images_show(built, views):
    """Cameras of the object frame see the cloud where the images are not empty."""
    points = {"num_points": None, "normalization": "Identity", "normals": True}
    dataset = ShapeNetAtlasNet(
        str(built), [DropAlpha(masks=True), PackViews()], views=views, points=points
    )
    count = 5 if views == (0, 0) else 10
    assert len(dataset) == count and dataset.sample_ids[0] == "post/post0"
    for sample in (dataset[0], dataset[count - 1]):
        folder = built / "ShapeNetV1Renderings" / sample["sample_id"] / "rendering"
        view = int(sample["view_ids"])
        cameras = map(torch.from_numpy, read_cameras(folder / "cameras.npz"))
        extrinsics, intrinsics = (part[view].float() for part in cameras)
        pixels, depth = project(sample["surface_points"], extrinsics, intrinsics)
        column, row = pixels.floor().long().unbind(-1)
        assert (depth > 0).all()
        assert (sample["masks"][0, 0, row, column] > 0).float().mean() > 0.98


def test_limited_yaw(built):
    for yaw in RANGES:
        rows = [
            read_rendering_metadata(path, columns=(10,))[0]
            for path in sorted(built.glob(YAW.format(yaw) + "/*/*/easy/*.txt"))
        ]
        assert len(rows) == 7
        angles, elevations, _, ratios = np.array(rows)[:, :4].T
        assert np.abs(angles - 360).max() <= yaw
        assert (np.abs(angles - 360).max() > 20) == (yaw == 90)
        assert elevations.min() >= 20 and elevations.max() <= 30
        assert ratios.min() >= 0.65 and ratios.max() <= 1
        np.testing.assert_array_equal(np.array(rows)[:, 4:7], [[35, 32, 1.75]] * 7)
    folders = {"rendering_folder": YAW.format(90), "image_folder": "easy"}
    dataset = ShapeNetAtlasNet(
        str(built), [DropAlpha(), PackViews()], coordinates="viewer", **folders
    )
    batch = default_collate(list(dataset))
    assert batch["images"].shape == (5, 1, 3, 64, 64)
    # The same object from a point (x, y, z) that the camera's axes call (0, 0, d).
    angles = torch.deg2rad(batch["view_angles"][:, 0])
    towards = torch.stack(
        [
            angles[:, 1].cos() * angles[:, 0].cos(),
            angles[:, 1].sin(),
            angles[:, 1].cos() * angles[:, 0].sin(),
        ],
        dim=-1,
    )
    seen = (batch["camera_rotation"] @ towards[..., None])[..., 0]
    expected = torch.tensor([0.0, 0.0, 1.0]).expand(5, 3)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-5)


def test_gone_meshes_leave_no_cloud(meshes, tmp_path):
    source, out = tmp_path / "meshes", tmp_path / "out"
    (source / "step").mkdir(parents=True)
    for name in ("a", "b"):
        content = (meshes / "step/step0.obj").read_bytes()
        (source / f"step/{name}.obj").write_bytes(content)
    settings = BuildSettings(
        layout="atlasnet", views=1, resolution=16, num_surface_points=50
    )
    assert build_dataset(source, out, settings=settings).built == 2
    (source / "step/a.obj").unlink()
    report = build_dataset(source, out, settings=settings)
    assert (report.built, report.kept) == (0, 1)
    clouds = list((out / "ShapeNetV1PointCloud").glob("*/*"))
    assert [path.name for path in clouds] == ["b.points.ply.npy"]
    clouds[0].unlink()  # an object without its cloud is not complete
    assert build_dataset(source, out, settings=settings).built == 1
    other = dataclasses.replace(settings, yaw_ranges=(30,))
    with pytest.raises(ConfigError, match=r"yaw_ranges: \[\] before, \[30\] now"):
        build_dataset(source, out, settings=other)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"yaw_ranges": (200,)}, "yaw_ranges: expected 0 to 180, found 200"),
        ({"yaw_ranges": (30,), "layout": "r2n2"}, "expected the layout atlasnet"),
        ({"variants": 2}, "variants: expected 0 with the layout atlasnet"),
        ({"limited_resolution": 2}, "limited_resolution: expected 8"),
    ],
)
def test_settings_that_do_not_fit(change, message):
    with pytest.raises(ConfigError, match=message):
        BuildSettings(**({"layout": "atlasnet"} | change))
