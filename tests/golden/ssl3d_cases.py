# SPDX-License-Identifier: Apache-2.0
"""What tests against recorded runs of self-supervised point clouds share."""

import numpy as np
import torch
from torch import nn

from svr3d.converters.ssl3d import convert_ssl3d, restore_ssl3d_names


def channels_first(images):
    """Recorded images (B, H, W, 3) as (B, 3, H, W)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def channels_last(values):
    """Maps as the program has them, what has no maps as it is."""
    return values.permute(0, 2, 3, 1) if values.ndim == 4 else values


def load_parts(state, **parts):
    """Load recorded weights into modules by the part of the model that they are."""
    holder = nn.ModuleDict(parts)
    holder.load_state_dict(convert_ssl3d(state, holder.state_dict()))
    return holder


def published_gradients(holder):
    """Gradients under published names, in the program's layout."""
    grads = {name: value.grad for name, value in holder.named_parameters()}
    return restore_ssl3d_names(grads)


def check(outputs, key, value, rtol, atol=0.0):
    """Compare a tensor with its recorded elements, sum and sum of squares."""
    value = value.detach().double().numpy().ravel()
    if key in outputs:
        np.testing.assert_allclose(
            value, outputs[key].ravel(), rtol=rtol, atol=atol, err_msg=key
        )
        return
    expected = outputs[f"{key}.sub"]
    step = next(
        (value.size // count) | 1
        for count in (256, 512, 1024)
        if -(-value.size // ((value.size // count) | 1)) == expected.size
    )
    np.testing.assert_allclose(
        value[::step], expected, rtol=rtol, atol=atol, err_msg=key
    )
    np.testing.assert_allclose(
        np.square(value).sum(), outputs[f"{key}.sumsq"], rtol=2 * rtol, err_msg=key
    )
