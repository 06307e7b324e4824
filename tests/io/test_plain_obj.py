# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from svr3d.errors import MeshError
from svr3d.io.plain_obj import read_plain_obj, write_plain_obj


def test_recorded_files(golden, golden_dir, tmp_path):
    given, expected = golden.load(golden_dir / "nmr" / "obj_io")
    path = tmp_path / "in.obj"
    path.write_bytes(given["obj_text"].tobytes())
    vertices, faces = read_plain_obj(path)
    np.testing.assert_array_equal(faces, expected["faces"])
    np.testing.assert_allclose(vertices, expected["vertices"], atol=1e-6)
    scaled, _ = read_plain_obj(path, normalize=True)
    np.testing.assert_allclose(scaled, expected["vertices_normalised"], atol=1e-6)
    write_plain_obj(tmp_path / "out.obj", vertices, faces)
    text = (tmp_path / "out.obj").read_bytes()
    assert text == expected["saved_text"].tobytes()


def test_negative_numbers_count_back(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n")
    assert read_plain_obj(path)[1].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("text", ["v 1 2\n", "v 0 0 0\nf 1 2 3\n", "f 1 x 2\n"])
def test_bad_files_are_named(tmp_path, text):
    path = tmp_path / "bad.obj"
    path.write_text(text)
    with pytest.raises(MeshError, match="bad.obj"):
        read_plain_obj(path)
    with pytest.raises(MeshError, match="missing.obj"):
        read_plain_obj(tmp_path / "missing.obj")
