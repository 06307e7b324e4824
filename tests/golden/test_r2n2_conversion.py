# SPDX-License-Identifier: Apache-2.0
"""Recorded networks as files of their programs, converted by the command."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from svr3d.cli import main as console
from svr3d.engine.checkpoint import load_model

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from paddle_files import write_paddle  # noqa: E402


def write_port(path, state):
    """Write a state as the PyTorch port does: statistics of view T end in _T."""
    tensors = {
        re.sub(r"(t_x_.+)\.(\d)\.(running_\w+)$", r"\1.\3_\2", name): torch.tensor(
            value
        )
        for name, value in state.items()
    }
    torch.save({"net_state": tensors}, path)


# Case -> format, writer, output, whether the recorded images are in BGR order.
CASES = {
    "paddle_eval_2view": ("paddle", write_paddle, "volume", True),
    "gru_1view": ("port", write_port, "occupancy", False),
    "resgru_2view": ("port", write_port, "occupancy", False),
    "resgru_bn_eval_2view": ("port", write_port, "occupancy", False),
}


@pytest.mark.parametrize("case", CASES)
def test_file_converts_and_gives_the_recorded_shape(
    case, golden, golden_dir, tmp_path, monkeypatch
):
    name, write, key, flipped = CASES[case]
    monkeypatch.setattr(sys, "argv", ["svr3d"])
    folder, source, out = golden_dir / "r2n2" / case, tmp_path / "a", tmp_path / "b.pth"
    write(source, golden.state_dict(folder))
    command = ["convert-r2n2", str(source), str(out), "--format", name]
    assert console.main(command) == 0
    model, _, _ = load_model(out)
    inputs, outputs = golden.load(folder)
    images = torch.from_numpy(inputs["images_u8"]).float() / 255
    images = images.flip(2) if flipped else images
    batch = {"images": images, "sample_id": ["a"] * len(images)}
    with torch.no_grad():
        batch = model.data_preprocessor(batch)
        volume = model(mode="predict", **batch).probabilities.numpy()
    atol = 2e-5 if name == "paddle" else 1e-4
    np.testing.assert_allclose(volume, outputs[key], atol=atol, rtol=0)
