# SPDX-License-Identifier: Apache-2.0
"""Write RGBA images as PNG."""

from pathlib import Path

import cv2
import numpy as np

# Renderings are mostly empty: level 1 is as small as level 9 within some per cent.
_COMPRESSION = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def write_png(path: str | Path, image: np.ndarray) -> None:
    """Write an RGBA image (H, W, 4) uint8."""
    done, encoded = cv2.imencode(".png", image[..., [2, 1, 0, 3]], _COMPRESSION)
    if not done:
        raise OSError(f"{path}: cannot encode an image of shape {image.shape}")
    Path(path).write_bytes(encoded.tobytes())
