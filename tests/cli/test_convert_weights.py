# SPDX-License-Identifier: Apache-2.0
"""Published weights become checkpoints that the other commands take alone."""

import json
import os
import pickle
import re

import numpy as np
import pytest
import torch
import trimesh
from paddle_files import OPTIONS, narrow_model, paddle_file

from svr3d.converters.r2n2_port import restore_port_names
from svr3d.converters.r2n2_theano import to_theano_arrays
from svr3d.engine.checkpoint import load_model, read_checkpoint
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.settings import BuildSettings

CHOY_CONFIGS = {
    ("port", "gru"): "r2n2/gru_shapenet.py",
    ("port", "resgru"): "r2n2/resgru_shapenet.py",
    ("port", "resgru_bn"): "r2n2/resgru_bn_shapenet.py",
    ("theano", "gru"): "r2n2/gru_shapenet.py",
    ("theano", "resgru"): "r2n2/resgru_theano_shapenet.py",
}


# The two wirings of the last block have the same tensors.
SAME_SHAPES = {"r2n2/resgru_shapenet.py", "r2n2/resgru_theano_shapenet.py"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two boxes as a data set of the published layout, both for testing."""
    folder = tmp_path_factory.mktemp("boxes")
    (folder / "meshes/chair").mkdir(parents=True)
    for name, sides in (("one", (1, 2, 1)), ("two", (2, 1, 1))):
        trimesh.creation.box(sides).export(folder / f"meshes/chair/{name}.obj")
    settings = BuildSettings(
        views=5,
        resolution=64,
        supersample=1,
        num_points=10,
        num_surface_points=10,
        split=(0, 0, 1),
    )
    build_dataset(folder / "meshes", folder / "data", settings=settings)
    return folder / "data"


def test_paddle_weights_convert_and_test_alone(svr3d, tmp_path, model, data):
    source = paddle_file(tmp_path / "res_gru_net.pdparams", model)
    out = tmp_path / "new/folder/res3dgru.pth"
    code, lines, errors = svr3d(
        "convert-r2n2", source, out, "--format", "paddle", *OPTIONS
    )
    assert (code, lines[-1]) == (0, str(out)), errors
    source.unlink()
    assert not torch.serialization.get_unsafe_globals_in_checkpoint(out)
    converted, cfg, meta = load_model(out)
    images = torch.rand(1, 2, 3, 127, 127)
    with torch.no_grad():
        expected = model(images=images, mode="predict").probabilities
        found = converted(images=images, mode="predict").probabilities
    assert torch.equal(found, expected) and 0.01 < expected.std()
    assert meta["dataset_meta"]["categories"][:2] == ["aeroplane", "bench"]
    assert len(meta["dataset_meta"]["taxonomy_ids"]) == 13
    assert meta["protocol"]["views"] == 5 == cfg.protocol.views
    assert meta["converted_from"]["file"] == "res_gru_net.pdparams"
    options = (f"data_root={data}", "test_dataloader.num_workers=0")
    code, lines, errors = svr3d(
        "test", out, "--out", "numbers.json", "--cfg-options", *options
    )
    assert code == 0, errors
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert 0 <= numbers["voxel/iou_max"] < 1
    table = json.loads((out.parent / "test/results/test_voxel.json").read_text())
    assert table["protocol"]["reference"].startswith("Choy et al.")


def test_wrong_input_ends_with_a_message(svr3d, tmp_path, model):
    source = paddle_file(tmp_path / "a.pdparams", model)
    arguments = ("convert-r2n2", source, tmp_path / "b.pth", "--format", "paddle")
    code, _, errors = svr3d(*arguments)  # the full network
    assert code == 2 and "expected shape" in errors
    code, _, errors = svr3d(*arguments, "--config", "r2n2/nothing.py")
    assert code == 2 and "nothing.py" in errors
    code, _, errors = svr3d("convert-r2n2", source, source, "--format", "paddle")
    assert code == 2 and "another file to write" in errors
    code, _, errors = svr3d(*arguments[:2], source / "c.pth", *arguments[3:], *OPTIONS)
    assert code == 2 and "can be written" in errors
    with pytest.raises(SystemExit):
        svr3d("convert-r2n2", source, "b.pth", "--format", "caffe")
    assert not (tmp_path / "b.pth").exists()


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


def test_a_malicious_file_is_refused_and_not_run(svr3d, tmp_path):
    path = tmp_path / "a.pdparams"
    path.write_bytes(pickle.dumps({"a": np.zeros(2), "b": Attack()}, 2))
    code, _, errors = svr3d("convert-r2n2", path, "b.pth", "--format", "paddle")
    assert code == 2 and "posix.system" in errors and "isolated" in errors
    assert not (tmp_path / "attacked").exists()
    path = tmp_path / "a.pth"
    torch.save({"state_dict": Attack()}, path)
    code, _, errors = svr3d("convert-r2n2", path, "b.pth", "--format", "paddle")
    assert code == 2 and "found a zip archive" in errors
    assert not (tmp_path / "attacked").exists()


def test_help_has_an_example(svr3d, capsys):
    with pytest.raises(SystemExit) as caught:
        svr3d("convert-r2n2", "--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "svr3d convert-r2n2 " in text.partition("example:")[2]
    assert "svr3d test res3dgru.pth" in text


def test_read_checkpoint_takes_the_file(svr3d, tmp_path, model):
    source = paddle_file(tmp_path / "a.pdparams", model)
    svr3d("convert-r2n2", source, "a.pth", "--format", "paddle", *OPTIONS)
    checkpoint = read_checkpoint(tmp_path / "a.pth")
    assert set(checkpoint) == {"meta", "state_dict"}


def choy_file(path, program, network, model):
    """Write the weights as the port or the Theano program does."""
    if program == "theano":
        arrays = to_theano_arrays(network, model.state_dict())
        values = np.empty(len(arrays), object)
        values[:] = arrays
        np.save(path.with_suffix(".npy"), values, allow_pickle=True)
        return path.with_suffix(".npy")
    sizes = dict(channels=8, cells=64)
    state = {
        re.sub(r"\.(\d)\.(running_\w+)$", r".\2_\1", name)
        if "t_x_" in name
        else name: value.clone()
        for name, value in restore_port_names(
            network, model.state_dict(), **sizes
        ).items()
    }
    optimizer = torch.optim.Adam(model.parameters()).state_dict()
    torch.save({"net_state": state, "optimizer_state": optimizer}, path)
    return path


@pytest.mark.parametrize(("program", "network"), CHOY_CONFIGS)
def test_weights_of_the_authors_and_the_port(svr3d, tmp_path, program, network):
    config = CHOY_CONFIGS[program, network]
    model = narrow_model(config)
    source = choy_file(tmp_path / "weights.pth", program, network, model)
    arguments = ("convert-r2n2", source, "out.pth", "--format", program)
    code, _, errors = svr3d(*arguments, *OPTIONS)
    assert code == 0, errors
    converted, cfg, meta = load_model(tmp_path / "out.pth")
    images = torch.rand(1, 2, 3, 127, 127)
    with torch.no_grad():
        expected = model(images=images, mode="predict").probabilities
        found = converted(images=images, mode="predict").probabilities
    assert torch.equal(found, expected) and expected.std() > 1e-3
    assert "Choy et al." in cfg.protocol.reference
    for other in {*CHOY_CONFIGS.values(), "r2n2/res3dgru_shapenet.py"} - {config}:
        if {other, config} == SAME_SHAPES:
            continue
        code, _, errors = svr3d(*arguments, *OPTIONS, "--config", other)
        assert code == 2 and errors.startswith("error: 3D-R2N2"), other


def test_networks_that_the_programs_do_not_have(svr3d, tmp_path):
    torch.save({"net_state": {"a": torch.rand(1)}}, tmp_path / "a.pth")
    code, _, errors = svr3d("convert-r2n2", "a.pth", "b.pth", "--format", "port")
    assert code == 2 and "encoder.conv1a.weight" in errors and "found a" in errors
    values = np.empty(3, object)
    values[:] = [np.zeros(2)] * 3
    np.save(tmp_path / "a.npy", values, allow_pickle=True)
    code, _, errors = svr3d("convert-r2n2", "a.npy", "b.pth", "--format", "theano")
    assert code == 2 and "(resgru) arrays, found 3" in errors
    assert not (tmp_path / "b.pth").exists()
