# SPDX-License-Identifier: Apache-2.0
"""Foreign checkpoints: each format is read, and no pickle runs anything."""

import argparse
import builtins
import collections
import functools
import io
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from svr3d.errors import CheckpointError
from svr3d.io.array_pickles import read_array_pickle
from svr3d.io.foreign_checkpoints import (
    read_array_list,
    read_paddle_state,
    read_torch_file,
    read_torch_state,
)

RNG = np.random.default_rng(0)
ARRAYS = {
    "conv.weight": RNG.standard_normal((4, 3, 2)).astype(np.float32),
    "conv.transposed": np.asfortranarray(RNG.standard_normal((5, 6))),
    "norm._mean": RNG.standard_normal(3).astype(">f4"),
    "half": RNG.standard_normal((2, 2)).astype(np.float16),
    "steps": np.array(7, np.int64),
    "empty": np.zeros((0, 3), np.float32),
    "mask": np.array([True, False]),
}
PROTOCOLS = (0, 1, 2, 3, 4, 5)


class Call:
    """Pickles as a call of a function with the given arguments."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __call__(self):
        raise AssertionError("only pickles are called")

    def __reduce__(self):
        return self.function, self.arguments


def attacks(trace):
    """Return what a malicious file may hold, each of which would write a file."""
    text = f"open({str(trace)!r}, 'w')"
    return {
        "system": Call(os.system, f"touch {trace}"),
        "popen": Call(subprocess.Popen, ["touch", str(trace)]),
        "eval": Call(builtins.eval, text),
        "exec": Call(builtins.exec, text),
        "open": Call(builtins.open, str(trace), "w"),
        "getattr": Call(Call(getattr, Path(trace), "touch")),
        "path": Call(getattr, Path(trace), "touch"),
        "partial": Call(functools.partial, os.system, f"touch {trace}"),
        "numpy loads": Call(np.load, str(trace)),
        "namespace": argparse.Namespace(a=1),
        "inside": {"a": [({"b": Call(os.system, f"touch {trace}")},)]},
    }


NAMES = tuple(attacks("x"))


def paddle_bytes(state, protocol=2):
    table = {"StructuredToParameterName@@": {name: f"p_{name}" for name in state}}
    return pickle.dumps({**state, **table}, protocol)


def npy_bytes(content):
    values = np.empty(len(content), object)
    values[:] = content
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


def same(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].shape == value.shape and found[name].flags.writeable
        assert found[name].dtype == value.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_paddle_state(tmp_path, protocol):
    path = tmp_path / "net.pdparams"
    path.write_bytes(paddle_bytes(ARRAYS, protocol))
    same(read_paddle_state(path), ARRAYS)
    # Without the table, ordered, and as pairs of parameter name and array.
    path.write_bytes(pickle.dumps(collections.OrderedDict(ARRAYS), protocol))
    same(read_paddle_state(path), ARRAYS)
    pairs = {name: Call(tuple, ("p_0", value)) for name, value in ARRAYS.items()}
    path.write_bytes(pickle.dumps(pairs, protocol))
    same(read_paddle_state(path), ARRAYS)


def test_paddle_state_with_arrays_in_parts(tmp_path):
    """Protocols 2 and 3 hold no array over a gigabyte; Paddle splits it."""
    path = tmp_path / "net.pdparams"
    value = ARRAYS["conv.weight"]
    parts = {
        f"big@@.{i}": part for i, part in enumerate(np.split(value.ravel(), [5, 11]))
    }
    table = {"big": {"OriginShape": value.shape, "slices": list(parts)}}
    content = {"small": ARRAYS["half"], **parts, "UnpackBigParamInfor@@": table}
    path.write_bytes(pickle.dumps(content, 2))
    found = read_paddle_state(path)
    same(found, {"small": ARRAYS["half"], "big": value})
    del content["big@@.1"]
    path.write_bytes(pickle.dumps(content, 2))
    with pytest.raises(CheckpointError, match="UnpackBigParamInfor@@.*big@@.1"):
        read_paddle_state(path)


def test_array_list(tmp_path):
    path = tmp_path / "weights.npy"
    path.write_bytes(npy_bytes(list(ARRAYS.values())))
    found = read_array_list(path)
    same(dict(zip(ARRAYS, found, strict=True)), ARRAYS)


def test_pickle_of_python_2():
    """Bytes are text there, modules have other names, integers are long."""
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00"
        b"\x85U\x01b\x87R(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"U\x0c\x00\x00\x80?\x00\x00\x00\xc0\x00\x00\xc0@tb."
    )
    expected = pickle.loads(content, encoding="latin1")
    found = read_array_pickle(io.BytesIO(content), source="old")
    assert found.tolist() == expected.tolist() == [1, -2, 6]


def test_builtins_and_scalars_come_through():
    content = {
        "list": [1, 2.5, None, "a", b"\x00\xff", True, 10**30],
        "tuple": (ARRAYS["half"], bytearray(b"ab")),
        "scalar": np.float32(1.5),
        "flag": np.bool_(True),
    }
    for protocol in PROTOCOLS:
        stream = io.BytesIO(pickle.dumps(content, protocol))
        found = read_array_pickle(stream, source="x")
        assert found["list"] == content["list"]
        np.testing.assert_array_equal(found["tuple"][0], ARRAYS["half"])
        assert found["tuple"][1] == b"ab"
        assert (found["scalar"], found["flag"]) == (1.5, True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", NAMES)
def test_malicious_paddle_file_is_refused_and_not_run(tmp_path, name, protocol):
    trace, path = tmp_path / "attacked", tmp_path / "net.pdparams"
    attack = attacks(trace)[name]
    for content in ({**ARRAYS, "attack": attack}, attack):
        path.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(
            CheckpointError, match="refused.*found the global "
        ) as error:
            read_paddle_state(path)
        assert "isolated environment" in str(error.value)
        assert str(path) in str(error.value)
    assert not trace.exists()


@pytest.mark.parametrize("name", NAMES)
def test_malicious_array_list_is_refused_and_not_run(tmp_path, name):
    trace, path = tmp_path / "attacked", tmp_path / "weights.npy"
    path.write_bytes(npy_bytes([ARRAYS["half"], attacks(trace)[name]]))
    with pytest.raises(CheckpointError, match="refused.*found the global "):
        read_array_list(path)
    assert not trace.exists()


@pytest.mark.parametrize("name", NAMES)
def test_malicious_torch_file_is_refused_and_not_run(tmp_path, name):
    trace, path = tmp_path / "attacked", tmp_path / "net.pth"
    state = {"weight": torch.rand(2)}
    for legacy in (False, True):
        torch.save(
            {"net_state": state, "extra": attacks(trace)[name]},
            path,
            _use_new_zipfile_serialization=not legacy,
        )
        with pytest.raises(CheckpointError, match="refused|broken or foreign"):
            read_torch_file(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("system", f"{os.system.__module__}.system"),
        ("eval", "builtins.eval"),
        ("getattr", "builtins.getattr"),
        ("namespace", "argparse.Namespace"),
    ],
)
def test_the_reason_names_the_global(tmp_path, name, found):
    content = pickle.dumps(attacks(tmp_path / "x")[name])
    with pytest.raises(CheckpointError, match=f"the global {found}"):
        read_array_pickle(io.BytesIO(content), source="file")


def opcodes(*parts):
    """A pickle of protocol 2 by hand."""
    return b"\x80\x02" + b"".join(parts) + b"."


ND = b"cnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\n"
MAKE = b"cnumpy.core.multiarray\n_reconstruct\n" + ND + b"K\x00\x85U\x01b\x87R"
F4 = DTYPE + b"U\x02f4\x85R"
OBJECT = DTYPE + b"U\x02O8\x85R"


@pytest.mark.parametrize(
    "content",
    [
        opcodes(b"Vpersistent\nQ"),
        opcodes(b"\x82\x01"),  # a registered extension
        opcodes(
            b"cnumpy.core.multiarray\n_reconstruct\n", DTYPE, b"K\x00\x85U\x01b\x87R"
        ),
        opcodes(ND, b"K\x05\x85R"),
        opcodes(ND, b")\x81"),
        opcodes(ND, b"}U\x01aK\x01sb"),  # attributes for a stand-in
        opcodes(b"ccollections\nOrderedDict\n", b"}U\x01aK\x01sb"),
        opcodes(DTYPE, b"U\x03V99\x85R"),
        opcodes(
            DTYPE, b"U\x10f4,O\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x85R"
        ),
        opcodes(F4, b"(K\x03U\x01<K\x01NNK\x00K\x00K\x00tb"),
        # Shapes that the content does not fill, are negative or no numbers.
        opcodes(MAKE, b"(K\x01K\x05\x85", F4, b"\x89U\x04abcdtb"),
        opcodes(MAKE, b"(K\x01J\xff\xff\xff\xff\x85", F4, b"\x89U\x00tb"),
        opcodes(MAKE, b"(K\x01U\x01a\x85", F4, b"\x89U\x00tb"),
        opcodes(MAKE, b"(K\x01K\x01\x85", F4, b"\x89K\x04tb"),
        # Objects from bytes would be pointers.
        opcodes(MAKE, b"(K\x01K\x01\x85", OBJECT, b"\x89U\x08abcdefghtb"),
        opcodes(MAKE, b"(K\x01K\x05\x85", OBJECT, b"\x89]tb"),
        opcodes(MAKE),  # an array without content
        opcodes(F4),
        opcodes(b"]q\x00h\x00a"),  # a list within itself
        opcodes(b"c_codecs\nencode\n", b"U\x01aU\x03zip\x86R"),
        opcodes(b"cbuiltins\nbytearray\n", b"J\xff\xff\xff\x7f\x85R"),
        b"this is text",
        b"\x80\x02",
        b".",
    ],
)
def test_broken_pickles_end_with_a_message(content):
    with pytest.raises(CheckpointError, match="^net: "):
        read_array_pickle(io.BytesIO(content), source="net")


def test_state_of_python_objects_is_not_changed_by_a_file():
    before = dict(vars(collections.OrderedDict))
    for target in (ND, b"ccollections\nOrderedDict\n"):
        content = opcodes(target, b"}U\x08__call__K\x01sb")
        with pytest.raises(CheckpointError):
            read_array_pickle(io.BytesIO(content), source="net")
    assert dict(vars(collections.OrderedDict)) == before
    stream = io.BytesIO(pickle.dumps(ARRAYS["half"]))
    assert read_array_pickle(stream, source="net").shape == (2, 2)


def test_deeply_nested_content_ends_with_a_message():
    content = opcodes(b"]" * 100_000 + b"a" * 99_999)
    with pytest.raises(CheckpointError, match="RecursionError"):
        read_array_pickle(io.BytesIO(content), source="net")


@pytest.mark.parametrize("read", [read_paddle_state, read_array_list, read_torch_file])
def test_files_that_are_not_there_or_empty(tmp_path, read):
    with pytest.raises(CheckpointError, match="no such"):
        read(tmp_path / "a")
    with pytest.raises(CheckpointError, match="found a folder"):
        read(tmp_path)
    (tmp_path / "a").touch()
    with pytest.raises(CheckpointError, match="empty"):
        read(tmp_path / "a")
    (tmp_path / "a").write_text("some text\n")
    with pytest.raises(CheckpointError, match="expected a"):
        read(tmp_path / "a")


def test_truncated_files(tmp_path):
    path = tmp_path / "a"
    torch.save(ARRAYS | {"x": torch.rand(100)}, path)
    for content, read in (
        (paddle_bytes(ARRAYS), read_paddle_state),
        (paddle_bytes(ARRAYS, 4), read_paddle_state),
        (npy_bytes(list(ARRAYS.values())), read_array_list),
        (path.read_bytes(), read_torch_file),
    ):
        for kept in (3, 40, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:kept])
            with pytest.raises(CheckpointError, match=str(path)):
                read(path)
        path.write_bytes(content[: len(content) - 1])
        with pytest.raises(CheckpointError, match="truncated"):
            read(path)


def test_wrong_content(tmp_path):
    path = tmp_path / "a"
    for content, found in (
        ([ARRAYS["half"]], "a list"),
        ({}, "nothing"),
        ({"StructuredToParameterName@@": {}}, "nothing"),
        ({"LR_Scheduler": {"last_lr": 0.1}}, "'LR_Scheduler' with a dict"),
        ({3: ARRAYS["half"]}, "3 with a ndarray"),
    ):
        path.write_bytes(pickle.dumps(content, 2))
        with pytest.raises(CheckpointError, match=found):
            read_paddle_state(path)
    np.save(path.with_suffix(".npy"), ARRAYS["half"])
    with pytest.raises(CheckpointError, match="one array of float16"):
        read_array_list(path.with_suffix(".npy"))
    path.write_bytes(npy_bytes([ARRAYS["half"], "text"]))
    with pytest.raises(CheckpointError, match="a str at position 1"):
        read_array_list(path)


def test_torch_states(tmp_path):
    path = tmp_path / "net.pth"
    state = {"a.weight": torch.rand(2), "a.bias": torch.rand(1)}
    wrapped = {f"module.{name}": value for name, value in state.items()}
    for content in (state, {"net_state": state, "epoch": 3}, {"net_state": wrapped}):
        torch.save(content, path)
        found = read_torch_state(path, key="net_state")
        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], state[name]) for name in state)
    with pytest.raises(CheckpointError, match="expected 'other' or a state dict"):
        read_torch_state(path, key="other")
    with pytest.raises(CheckpointError, match="expected a state dict"):
        read_torch_state(path)
