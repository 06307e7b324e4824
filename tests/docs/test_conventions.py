# SPDX-License-Identifier: Apache-2.0
"""The pictures of the conventions page are those that its script draws."""

import importlib.util

import cv2
import numpy as np


def test_pictures_can_be_drawn_again(repository, tmp_path):
    path = repository / "tools/misc/draw_conventions.py"
    spec = importlib.util.spec_from_file_location("draw_conventions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["--out", str(tmp_path)]) == 0
    stored = repository / "docs/assets"
    page = (repository / "docs/conventions.md").read_text()
    drawn = sorted(tmp_path.iterdir())
    assert len(drawn) == 3
    for picture in drawn:
        assert f"assets/{picture.name}" in page
        assert (stored / picture.name).stat().st_size < 60_000
        found, expected = (
            cv2.imread(str(picture)),
            cv2.imread(str(stored / picture.name)),
        )
        # Fonts and lines differ a little between versions of matplotlib.
        difference = np.abs(found.astype(float) - expected).mean()
        assert found.shape == expected.shape and difference < 4
