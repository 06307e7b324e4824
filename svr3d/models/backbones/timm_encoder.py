# SPDX-License-Identifier: Apache-2.0
"""Any image network of the package timm as an encoder."""

from torch import Tensor, nn

from svr3d.errors import CheckpointError, ConfigError
from svr3d.models.backbones.pretrained import load_tensors, read_pretrained
from svr3d.models.layers.imagenet import ImageNetNormalization
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class TimmEncoder(nn.Module):
    """A network of timm without its classifier, and a linear layer to the code.

    Source: https://github.com/huggingface/pytorch-image-models, an optional package
    (``svr3d[timm]``) with a thousand networks, whose names ``timm.list_models()``
    lists. Occupancy Networks with other backbones are one use; the EfficientNets of
    its re-implementation, tensor for tensor, are :class:`EfficientNetEncoder`.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        model_name: str,
        out_features: int = 256,
        *,
        linear: bool = True,
        normalize: bool = True,
        pretrained: bool | str = False,
    ):
        """Set up the encoder.

        Args:
            model_name: timm's name of the network, e.g. 'convnext_tiny'.
            out_features: Length C of the code.
            linear: Whether the linear layer is there; without it the pooled features
                are the code.
            normalize: Whether images come in [0, 1] and are normalised here, by the
                statistics with which timm's weights were trained. False where a data
                preprocessor normalises.
            pretrained: True for timm's weights, which it downloads; or the file or URL
                of a state dict of the network. Training loads them before it starts.

        Raises:
            ConfigError: If timm is not installed, or knows no such network.
            ValueError: If there is no linear layer and the code has another length
                than the features.
        """
        super().__init__()
        self.model_name, self.pretrained = model_name, pretrained
        self.network = _create(model_name)
        config = self.network.pretrained_cfg
        self.normalization = (
            ImageNetNormalization(config["mean"], config["std"])
            if normalize
            else nn.Identity()
        )
        width = self.network.num_features
        if not linear and out_features != width:
            raise ValueError(
                f"out_features: expected {width}, the features of {model_name}, as "
                f"there is no linear layer; found {out_features}"
            )
        self.out_features = out_features
        self.fc = nn.Linear(width, out_features) if linear else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, H, W) RGB, in [0, 1] if they are normalised here.

        Returns:
            Codes, (N, out_features).
        """
        return self.fc(self.network(self.normalization(images)))

    def init_weights(self) -> None:
        """Load the pretrained weights, if there are any; training calls this.

        Raises:
            CheckpointError: If they cannot be had or do not fit.
        """
        if not self.pretrained:
            return
        if self.pretrained is True:
            state, source = _download(self.model_name), f"timm's {self.model_name}"
        else:
            source = self.pretrained
            state = read_pretrained(source, what=self.model_name)
        load_tensors(self.network, state, source=source)


def _create(name: str, *, pretrained: bool = False) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise ConfigError(
            "TimmEncoder needs the package timm, which is not installed; install "
            "svr3d[timm]"
        ) from error
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0)
    except RuntimeError as error:  # what timm raises for names it does not know
        raise ConfigError(f"model_name: {name!r}: {error}") from error


def _download(name: str) -> dict[str, Tensor]:
    try:
        return _create(name, pretrained=True).state_dict()
    except ConfigError:
        raise
    except Exception as error:  # networks and hubs fail in many ways
        raise CheckpointError(
            f"pretrained: timm could not download weights of {name} "
            f"({type(error).__name__}: {error}); give a file, or False for random ones"
        ) from error
