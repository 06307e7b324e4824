# SPDX-License-Identifier: Apache-2.0
"""What tests against recorded runs of learn3D share."""

import numpy as np
import torch
from torch import nn

from svr3d.converters.learn3d import convert_learn3d, restore_learn3d_names


def load_parts(state, prefix, template=None, **parts):
    """Load recorded weights of one network into modules by the part that they are."""
    holder = nn.ModuleDict(parts)
    state = {f"{prefix}{name}": value for name, value in state.items()}
    if template is not None:
        state["template"] = template
    holder.load_state_dict(convert_learn3d(state, holder.state_dict()))
    return holder


def published_gradients(holder, template=None):
    """Gradients under published names, in the program's layout."""
    grads = {name: value.grad for name, value in holder.named_parameters()}
    return restore_learn3d_names(grads, template)


def check_gradients(expected, grads, *, prefix="", count=600, tolerance=1e-3):
    """Compare every k-th element and both sums; returns the largest share of wrong."""
    recorded = {
        key.removeprefix("grad.")
        for key in expected
        if key.startswith("grad.") and not key.endswith(".stats")
    }
    assert recorded == {name.removeprefix(prefix) for name in grads}
    worst = 0.0
    for name in recorded:
        value = grads[prefix + name].detach().double().numpy().ravel()
        sub, stats = expected[f"grad.{name}"], expected[f"grad.{name}.stats"]
        step = -(-value.size // count)
        largest = np.abs(value).max()
        wrong = np.abs(value[::step] - sub).max() / largest
        assert wrong <= tolerance, name
        np.testing.assert_allclose(
            np.square(value).sum(), stats[1], rtol=2 * tolerance, err_msg=name
        )
        worst = max(worst, wrong)
    return worst


def near(found, expected, tolerance):
    """Within a share of the largest entry; returns the largest share."""
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    wrong = np.abs(found - expected).max() / np.abs(expected).max()
    assert wrong <= tolerance
    return wrong
