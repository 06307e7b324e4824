# SPDX-License-Identifier: Apache-2.0
"""Batch norms taken into the convolutions before them, for quicker predictions."""

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norms(model: nn.Module) -> int:
    """Fold every batch norm that directly follows a layer of an ``nn.Sequential``.

    What the model returns changes by rounding alone, its parameters change: such a
    model is for predictions, not for training or for saving. Layers that are used
    elsewhere too, and subclasses that compute something else, are left alone.

    Args:
        model: Changed in place; in evaluation mode.

    Returns:
        Number of batch norms folded; an identity stands where each of them was.

    Raises:
        ValueError: If the model is in training mode, where norms use their batch.
    """
    if model.training:
        raise ValueError(
            "fold_batch_norms: expected a model in evaluation mode, found training mode"
        )
    uses: dict[int, int] = {}
    for module in model.modules():
        for child in module._modules.values():  # each place, also of one module
            uses[id(child)] = uses.get(id(child), 0) + 1
    folded = 0
    for block in model.modules():
        if type(block) is not nn.Sequential:
            continue
        for index in range(len(block) - 1):
            layer, norm = block[index], block[index + 1]
            # What was folded before has no entry, and is used once.
            alone = uses.get(id(layer), 1) == uses.get(id(norm), 1) == 1
            if not alone or type(norm) not in _NORMS or not norm.track_running_stats:
                continue
            if type(layer) in _CONVOLUTIONS:
                block[index] = fuse_conv_bn_eval(layer, norm)
            elif type(layer) in _TRANSPOSED:
                block[index] = fuse_conv_bn_eval(layer, norm, transpose=True)
            elif type(layer) is nn.Linear:
                block[index] = fuse_linear_bn_eval(layer, norm)
            else:
                continue
            block[index + 1] = nn.Identity()
            folded += 1
    return folded
