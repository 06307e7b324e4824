# SPDX-License-Identifier: Apache-2.0
"""HDF5 files and packed stores of a small data set of Occupancy Networks."""

import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from svr3d.cli.main import main
from svr3d.datasets import OccNetDataset, OccNetHDF5
from svr3d.datasets.transforms import PackViews
from svr3d.errors import ConfigError, DataError
from svr3d.io.packed_store import PackedStore, StoreDraft
from svr3d.preparation import occnet_hdf5, occnet_packing
from svr3d.preparation.occnet_hdf5 import occnet_to_hdf5
from svr3d.preparation.occnet_packing import pack_occnet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "datasets"))
from occnet_trees import write_occnet

OPTIONS = {
    "num_views": 2,
    "points": {
        "num_points": 40,
        "noise": 1e-4,
        "iou_points": True,
        "num_surface_points": "all",
    },
}


@pytest.fixture
def tree(tmp_path):
    return write_occnet(tmp_path / "tree")


def equal(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other[key]), key
        else:
            assert value == other[key], key


def samples(kind, root, **options):
    return list(kind(str(root), [PackViews()], **{**OPTIONS, **options}))


def interrupt(monkeypatch, module, name, after):
    """Let a function stop the program at a call; return what restores it."""
    original, calls = getattr(module, name), []

    def stop(*arguments, **options):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, stop)


def test_store_gives_the_same_samples(tree, tmp_path, capsys):
    pytest.importorskip("lmdb")
    out = tmp_path / "set.lmdb"
    assert main(["pack-occnet", str(tree), str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set.lmdb", "tree"]
    for split in ("train", "test"):
        options = {"split": split, "cameras": True, "view_selection": "random"}
        folder = samples(OccNetDataset, tree, **options)
        packed = samples(OccNetDataset, out, **options)
        for one, other in zip(folder, packed, strict=True):
            equal(one, other)
    names = OccNetDataset(str(out)).metainfo["categories"]
    assert names == ["aeroplane", "chair"]
    with pytest.raises(DataError, match="expected a file '02691156/sub.lst', found no"):
        OccNetDataset(str(out), split_file="sub.lst")
    with pytest.raises(ConfigError, match="give --overwrite"):
        pack_occnet(tree, out)


def read_one(dataset):
    # As workers of a loader do: threads that a process had before the fork are gone.
    torch.set_num_threads(1)
    return dataset[1]


@pytest.mark.multiproc
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_store_in_other_processes(tree, tmp_path, method):
    pytest.importorskip("lmdb")
    pack_occnet(tree, tmp_path / "set.lmdb")
    dataset = OccNetDataset(str(tmp_path / "set.lmdb"), [PackViews()], **OPTIONS)
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        equal(pool.submit(read_one, dataset).result(), dataset[1])
    copy = pickle.loads(pickle.dumps(dataset))
    equal(copy[1], dataset[1])


def test_packing_continues(tree, tmp_path, monkeypatch):
    pytest.importorskip("lmdb")
    out = tmp_path / "set.lmdb"
    with monkeypatch.context() as patch:
        interrupt(patch, occnet_packing, "_pack_object", 2)
        with pytest.raises(KeyboardInterrupt):
            pack_occnet(tree, out)
    assert not out.exists()
    other = write_occnet(tmp_path / "other")
    with pytest.raises(ConfigError, match="other, found those of .*tree; delete it"):
        pack_occnet(other, out)
    report = pack_occnet(tree, out)
    assert (report.made, report.kept) == (6, 2)
    assert len(samples(OccNetDataset, out)) == 4


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("points.npz", b"PK", "c0/points.npz: expected an npz"),
        ("img_choy2016/001.jpg", b"\xff\xd8x", "001.jpg: "),
    ],
)
def test_broken_files_are_not_packed(tree, tmp_path, name, content, message):
    pytest.importorskip("lmdb")
    (tree / "03001627/c0" / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        pack_occnet(tree, tmp_path / "set.lmdb")
    assert not (tmp_path / "set.lmdb").exists()


def test_wrong_stores(tree, tmp_path):
    pytest.importorskip("lmdb")
    (tmp_path / "text.lmdb").write_text("not a store" * 1000)
    with pytest.raises(DataError, match="text.lmdb: expected a packed store"):
        OccNetDataset(str(tmp_path / "text.lmdb"))
    draft = StoreDraft(tmp_path / "other.lmdb", source="a")
    with draft.transaction() as store:
        store.write("a", b"1")
        with pytest.raises(DataError, match="names of 1 to 500 bytes"):
            store.write("a" * 501, b"1")
    draft.close()
    draft.partial.rename(tmp_path / "other.lmdb")
    with pytest.raises(DataError, match="expected a packed store of format 1"):
        PackedStore(tmp_path / "other.lmdb")
    with pytest.raises(ConfigError, match="suffix .lmdb, found .h5"):
        pack_occnet(tree, tmp_path / "set.h5")
    with pytest.raises(DataError, match="a folder or a .lmdb file"):
        OccNetDataset(str(tmp_path / "none.lmdb"))


def test_arrays_of_a_store(tmp_path):
    pytest.importorskip("lmdb")
    arrays = {
        "empty": np.zeros((0, 3)),
        "number": np.float64(2.5),
        "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
    }
    draft = StoreDraft(tmp_path / "a.lmdb", source="a")
    with draft.transaction() as store:
        store.write_arrays("x", arrays)
        store.write("y", b"12")
    draft.finish({})
    store = PackedStore(tmp_path / "a.lmdb")
    found = store.read_arrays("x")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and not found[name].flags.writeable
    with pytest.raises(DataError, match="'y': expected arrays"):
        store.read_arrays("y")


def test_hdf5_files_give_the_same_samples(tree, tmp_path, capsys):
    pytest.importorskip("h5py")
    assert main(["occnet-to-hdf5", str(tree), str(tmp_path / "out")]) == 0
    out = tmp_path / "out/hdf_data"
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    options = {"view_selection": "fixed", "view_ids": [2, 0]}
    folder = samples(OccNetDataset, tree, voxels_file=None, **options)
    files = samples(OccNetHDF5, out, **options)
    for one, other in zip(folder, files, strict=True):
        equal(one, other)
    with pytest.raises(DataError, match="OccNetDataset reads grids"):
        OccNetHDF5(str(out)).read_voxels(0)
    assert OccNetHDF5(str(out)).count_views(0) == 3


def test_hdf5_conversion_continues(tree, tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    original = h5py.Group.create_dataset

    def stop(self, name, *arguments, **options):
        if "c1" in self.file.filename and name.startswith("pointcloud"):
            raise OSError("disk full")
        return original(self, name, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(h5py.Group, "create_dataset", stop)
        report = occnet_to_hdf5(tree, tmp_path)
    assert list(report.failures) == ["03001627/c1"]
    names = {path.name for path in report.out.iterdir()}
    assert "03001627_c1.h5" not in names and not any("new" in n for n in names)
    assert "03001627_c1.h5" not in (report.out / "train.lst").read_text()
    (tree / "03001627/c2/pointcloud.npz").write_bytes(b"")
    report = occnet_to_hdf5(tree, tmp_path)
    assert (report.made, report.kept, report.failures) == (1, 7, {})
    report = occnet_to_hdf5(tree, tmp_path, overwrite=True)
    assert report.made == 7 and "c2/pointcloud.npz" in str(report.failures)


def test_balanced_points_come_inside_first(tree, tmp_path):
    pytest.importorskip("h5py")
    out = occnet_to_hdf5(tree, tmp_path).out
    points = {"num_points": 200, "replace": False, "inside_share": (0.1, 0.2)}
    sample = samples(OccNetHDF5, out, points=points)[0]
    inside = int(sample["occupancies"].sum())
    assert 20 <= inside <= 40
    assert sample["occupancies"][:inside].all()
    assert len(sample["points"].unique(dim=0)) == 200
    points["num_points"] = 4000
    with pytest.raises(DataError, match="points outside, found"):
        samples(OccNetHDF5, out, points=points)
    with pytest.raises(DataError, match="expected at least 4000 points, found 3000"):
        samples(OccNetHDF5, out, points={"num_points": 4000, "replace": False})


@pytest.mark.parametrize(
    "options, message",
    [
        ({"inside_share": (0.1, 0.2)}, "inside_share needs"),
        ({"inside_share": (0.3, 0.2), "replace": False}, "inside_share needs"),
        ({"num_points": (1, 2), "replace": False}, "replace=False needs one"),
    ],
)
def test_options_that_exclude_each_other(tree, options, message):
    with pytest.raises(ConfigError, match=message):
        OccNetDataset(str(tree), points={"num_points": 3, **options})


@pytest.mark.parametrize(
    "break_file, message",
    [
        (lambda f: f.unlink(), "a0.h5: missing"),
        (lambda f: f.write_bytes(f.read_bytes()[:900]), "a0.h5: expected an HDF5 file"),
        (lambda f: without(f, "images"), "a0.h5: expected a dataset 'images'"),
        (lambda f: without(f, "points"), "a0.h5: expected a group 'points.npz'"),
        (lambda f: without(f, "points/occupancies"), "a0.h5: points: expected arrays"),
    ],
)
def test_broken_hdf5_files(tree, tmp_path, break_file, message):
    pytest.importorskip("h5py")
    out = occnet_to_hdf5(tree, tmp_path).out
    break_file(out / "02691156_a0.h5")
    with pytest.raises(DataError, match=message):
        OccNetHDF5(str(out), check_files="full", points={"num_points": 4})


def without(path, name):
    import h5py

    with h5py.File(path, "a") as file:
        del file[name]


def test_wrong_lists_and_names(tree, tmp_path):
    pytest.importorskip("h5py")
    (tmp_path / "train.lst").write_text("name.h5\n")
    with pytest.raises(DataError, match="expected names <synset>_<model>.h5"):
        OccNetHDF5(str(tmp_path))
    with pytest.raises(DataError, match="val.lst: cannot be read"):
        OccNetHDF5(str(tmp_path), split="val")
    (tree / "03001627_x").mkdir()
    (tree / "03001627_x/train.lst").write_text("y")
    (tree / "03001627/train.lst").write_text("x_y")
    with pytest.raises(DataError, match="found 03001627_x_y.h5 for 03001627/x_y and"):
        occnet_to_hdf5(tree, tmp_path)
    with pytest.raises(DataError, match="expected folders <category>/<model>"):
        occnet_to_hdf5(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize("package, extra", [("h5py", "hdf5"), ("lmdb", "lmdb")])
def test_missing_packages_are_named(tree, tmp_path, monkeypatch, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    convert = {"h5py": occnet_hdf5.occnet_to_hdf5, "lmdb": pack_occnet}[package]
    with pytest.raises(ConfigError, match=rf"needs? .*{package}.*svr3d\[{extra}\]"):
        convert(tree, tmp_path / "out.lmdb")
