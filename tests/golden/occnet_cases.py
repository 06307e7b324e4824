# SPDX-License-Identifier: Apache-2.0
"""What tests against recorded runs of Occupancy Networks share."""

import numpy as np
import torch


def as_images(values):
    """Recorded bytes as images in [0, 1]."""
    return torch.from_numpy(values).float() / 255


def check(outputs, key, value, rtol, atol):
    """Compare a tensor with what was recorded of it, some of its elements or all."""
    value = value.detach().double().numpy()
    if key in outputs:
        np.testing.assert_allclose(
            value, outputs[key], rtol=rtol, atol=atol, err_msg=key
        )
        return
    sampled, expected, step = _sampled(outputs, key)
    assert list(value.shape) == outputs[f"{key}.shape"].tolist(), key
    np.testing.assert_allclose(
        value.ravel()[::step], expected, rtol=rtol, atol=atol, err_msg=sampled
    )
    np.testing.assert_allclose(
        np.square(value).sum(), outputs[f"{key}.sumsq"], rtol=10 * rtol + 1e-6
    )


def check_gradients(outputs, gradients, prefix=""):
    """Compare gradients, published name -> tensor, by norm and direction."""
    gradients = {name: g.detach().double().numpy() for name, g in gradients.items()}
    norms = [key for key in outputs if key.startswith(f"{prefix}gradnorm.")]
    assert len(norms) >= 2
    for key in norms:
        name = key.removeprefix(f"{prefix}gradnorm.")
        if name == "all":
            squares = sum(np.square(value).sum() for value in gradients.values())
            np.testing.assert_allclose(
                np.sqrt(squares), outputs[key], rtol=1e-2, err_msg=key
            )
            continue
        value = gradients[name]
        np.testing.assert_allclose(
            np.linalg.norm(value), outputs[key], rtol=1e-2, err_msg=key
        )
        key = f"{prefix}grad.{name}"
        if key in outputs:
            expected = outputs[key].reshape(-1)
            value = value.reshape(-1)
        else:
            _, expected, step = _sampled(outputs, key)
            value = value.reshape(-1)[::step]
        error = np.linalg.norm(value - expected) / np.linalg.norm(expected)
        assert error < 3e-2, (key, error)


def _sampled(outputs, key):
    (sampled,) = (name for name in outputs if name.startswith(f"{key}.every"))
    return sampled, outputs[sampled], int(sampled.removeprefix(f"{key}.every"))
