# SPDX-License-Identifier: Apache-2.0
"""Formats of published weights: how each is read, and which model takes it."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from svr3d.io.foreign_checkpoints import read_paddle_state

from .paddle_names import paddle_to_torch_names
from .pix2vox import convert_pix2vox, read_pix2vox
from .r2n2 import convert_paddle_res3dgru


class PublishedFormat(NamedTuple):
    """The weights of one published program.

    Attributes:
        program: What wrote them, for help texts.
        read: Reads a file without running any of its code.
        convert: Turns what was read, and the state dict of the model that is to take
            it, into a state dict that loads strictly; raises ``CheckpointError`` where
            they do not fit.
        config: Shipped config whose model takes them.
    """

    program: str
    read: Callable[[str | os.PathLike], Any]
    convert: Callable[[Any, Mapping[str, Tensor]], dict[str, Tensor]]
    config: str


def _convert_paddle(state: Any, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert the state dict as the PaddlePaddle program saves it."""
    named = paddle_to_torch_names(
        state,
        linear=("encoder.fcs.weight", ".fc.weight"),
        # The program holds each shortcut twice.
        aliases={r"encoder\.layer(\d)_sc\.(.+)": r"encoder.layer\1.shortcut.\2"},
    )
    return convert_paddle_res3dgru(named, target)


R2N2_FORMATS: dict[str, PublishedFormat] = {
    "paddle": PublishedFormat(
        "PaddlePaddle program of Res3D-GRU-3 (res_gru_net.pdparams)",
        read_paddle_state,
        _convert_paddle,
        "r2n2/res3dgru_shapenet.py",
    ),
}
"""Formats of 3D-R2N2's programs, by the name that ``--format`` takes."""

PIX2VOX_FORMATS: dict[str, PublishedFormat] = {
    variant: PublishedFormat(
        f"Pix2Vox-{variant.upper()} (Pix2Vox-{variant.upper()}-ShapeNet.pth)",
        read_pix2vox,
        convert_pix2vox,
        f"pix2vox/pix2vox_{variant}_shapenet.py",
    )
    for variant in ("f", "a")
}
"""The two variants of Pix2Vox's program."""
