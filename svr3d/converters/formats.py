# SPDX-License-Identifier: Apache-2.0
"""Formats of published weights: how each is read, and which model takes it."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor

from svr3d.errors import CheckpointError
from svr3d.io.foreign_checkpoints import (
    read_array_list,
    read_paddle_state,
    read_torch_state,
)
from svr3d.io.tensorflow_checkpoints import read_tensorflow_checkpoint

from .atlasnet import convert_atlasnet, read_atlasnet
from .learn3d import (
    convert_learn3d,
    learn3d_config,
    learn3d_view_classes,
    read_learn3d,
)
from .occnet import convert_occnet
from .occnet_files import read_occnet, read_occnet_lightning
from .paddle_names import paddle_to_torch_names
from .pix2vox import convert_pix2vox, read_pix2vox
from .r2n2 import convert_paddle_res3dgru
from .r2n2_port import convert_port
from .r2n2_theano import THEANO_NETWORKS, convert_theano, theano_key_map
from .ssl3d import convert_ssl3d


class PublishedFormat(NamedTuple):
    """The weights of one published program.

    Attributes:
        program: What wrote them, for help texts.
        read: Reads a file without running any of its code.
        convert: Turns what was read, and the state dict of the model that is to take
            it, into a state dict that loads strictly; raises ``CheckpointError`` where
            they do not fit.
        config: Shipped config whose model takes them, a function that finds it from
            what was read, or a folder (``occnet/``) of which the first config is meant
            whose model they fit.
        files: Option of the command -> what its file is, for files that are read
            besides, by ``read`` under the option's name.
        view_classes: Finds in what was read how many view classes parts of the model
            have that follow the data in it; None where no part does.
    """

    program: str
    read: Callable[[str | os.PathLike], Any]
    convert: Callable[[Any, Mapping[str, Tensor]], dict[str, Tensor]]
    config: str | Callable[[Any], str]
    files: Mapping[str, str] = MappingProxyType({})
    view_classes: Callable[[Any], int | None] | None = None

    def config_for(self, content: Any) -> str:
        """Return the shipped config whose model takes what was read, or the folder.

        Raises:
            CheckpointError: If it is none of the program's networks.
        """
        return self.config if isinstance(self.config, str) else self.config(content)


def _convert_paddle(state: Any, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert the state dict as the PaddlePaddle program saves it."""
    named = paddle_to_torch_names(
        state,
        linear=("encoder.fcs.weight", ".fc.weight"),
        # The program holds each shortcut twice.
        aliases={r"encoder\.layer(\d)_sc\.(.+)": r"encoder.layer\1.shortcut.\2"},
    )
    return convert_paddle_res3dgru(named, target)


# A tensor that only this network of the port has, the one to look for first.
_PORT_SIGNS = {
    "resgru_bn": "encoder.bn1a.weight",
    "resgru": "encoder.conv1a.weight",
    "gru": "encoder.conv1.weight",
}


def _port_network(state: Mapping[str, Any]) -> str:
    for network, sign in _PORT_SIGNS.items():
        if sign in state:
            return network
    raise CheckpointError(
        "3D-R2N2 port checkpoint: expected one of "
        f"{', '.join(_PORT_SIGNS.values())}; found {', '.join(list(state)[:5])} ..."
    )


def _convert_port(state: Any, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return convert_port(_port_network(state), state, target)


def _theano_network(arrays: Sequence[Any]) -> str:
    lengths = {network: len(theano_key_map(network)) for network in THEANO_NETWORKS}
    for network, length in lengths.items():
        if len(arrays) == length:
            return network
    wanted = " or ".join(f"{length} ({name})" for name, length in lengths.items())
    raise CheckpointError(
        f"3D-R2N2 weights: expected {wanted} arrays, found {len(arrays)}"
    )


def _convert_theano(arrays: Any, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return convert_theano(_theano_network(arrays), arrays, target)


_THEANO_CONFIGS = {
    "gru": "r2n2/gru_shapenet.py",
    "resgru": "r2n2/resgru_theano_shapenet.py",
}

R2N2_FORMATS: dict[str, PublishedFormat] = {
    "paddle": PublishedFormat(
        "PaddlePaddle program of Res3D-GRU-3 (res_gru_net.pdparams)",
        read_paddle_state,
        _convert_paddle,
        "r2n2/res3dgru_shapenet.py",
    ),
    "port": PublishedFormat(
        "PyTorch port: GRUNet, ResidualGRUNet and its norm variant (checkpoint.pth)",
        partial(read_torch_state, key="net_state"),
        _convert_port,
        lambda state: f"r2n2/{_port_network(state)}_shapenet.py",
    ),
    "theano": PublishedFormat(
        "authors' Theano program: GRUNet and ResidualGRUNet (weights.npy)",
        read_array_list,
        _convert_theano,
        lambda arrays: _THEANO_CONFIGS[_theano_network(arrays)],
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

OCCNET_FORMATS: dict[str, PublishedFormat] = {
    "official": PublishedFormat(
        "authors' program, any of its networks (onet_img2mesh_3-f786b04a.pt)",
        read_occnet,
        convert_occnet,
        "occnet/",
    ),
    "lightning": PublishedFormat(
        "re-implementation project-noisypixel (epoch=E-step=S.ckpt)",
        read_occnet_lightning,
        convert_occnet,
        "occnet/",
    ),
}
"""Formats of Occupancy Networks' programs."""

ATLASNET_FORMATS: dict[str, PublishedFormat] = {
    "official": PublishedFormat(
        "AtlasNet or the Dispersion Score's fork: AtlasNet, FoldNet, PSGN "
        "(network.pth, checkpoint.pt)",
        read_atlasnet,
        convert_atlasnet,
        "atlasnet/",
    ),
}
"""The one format of AtlasNet's programs."""

SSL3D_FORMATS: dict[str, PublishedFormat] = {
    "tensorflow": PublishedFormat(
        "TensorFlow program of self-supervised point clouds (model-N.index)",
        read_tensorflow_checkpoint,
        convert_ssl3d,
        "ssl3d/ours_cc.py",
    ),
}

LEARN3D_FORMATS: dict[str, PublishedFormat] = {
    "official": PublishedFormat(
        "authors' program, E, G and D in files of their own (last-E.ckpt)",
        read_learn3d,
        convert_learn3d,
        learn3d_config,
        files={"template": "the program's sphere_642.obj, whose order G has"},
        view_classes=learn3d_view_classes,
    ),
}
"""The one format of learn3D's program."""
