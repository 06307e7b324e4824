# SPDX-License-Identifier: Apache-2.0
"""What tests against recorded runs of AtlasNet share."""

import numpy as np
import torch

from svr3d.converters.atlasnet import restore_atlasnet_names


def as_views(values):
    """Recorded bytes (B, 3, H, W) as one view of each sample, in [0, 1]."""
    return (torch.from_numpy(values).float() / 255).unsqueeze(1)


def check(outputs, key, value, rtol=1e-4, atol=1e-5):
    """Compare a tensor with what was recorded of it, some of its elements or all."""
    value = value.detach().double().numpy()
    if key in outputs:
        np.testing.assert_allclose(
            value, outputs[key], rtol=rtol, atol=atol, err_msg=key
        )
        return
    total, squares, size, step = outputs[f"{key}.stats"]
    assert value.size == size, key
    np.testing.assert_allclose(
        value.ravel()[:: int(step)],
        outputs[f"{key}.sub"],
        rtol=rtol,
        atol=atol,
        err_msg=key,
    )
    np.testing.assert_allclose(np.square(value).sum(), squares, rtol=10 * rtol)
    np.testing.assert_allclose(value.sum(), total, rtol=10 * rtol, atol=atol * size)


def check_gradients(outputs, model, rtol=2e-3):
    """Compare the norms of all gradients, and those that were recorded in part."""
    found = restore_atlasnet_names(
        {name: p.grad for name, p in model.named_parameters()}
    )
    names, norms = outputs["param_names"].tolist(), outputs["grad_norms"]
    assert set(names) == set(found)
    # In front of a batch norm a bias has no gradient but rounding noise.
    largest = norms.max()
    for name, norm in zip(names, norms, strict=True):
        own = float(found[name].double().norm())
        np.testing.assert_allclose(
            own, norm, rtol=rtol, atol=1e-6 * largest, err_msg=name
        )
    for key in outputs:
        if not key.startswith("grad.") or not key.endswith(".sub"):
            continue
        name = key.removeprefix("grad.").removesuffix(".sub")
        if norms[names.index(name)] < 1e-6 * largest:
            continue
        step = int(outputs[f"grad.{name}.stats"][3])
        value = found[name].double().numpy().ravel()[::step]
        error = np.linalg.norm(value - outputs[key]) / np.linalg.norm(outputs[key])
        assert error < 10 * rtol, (name, error)
