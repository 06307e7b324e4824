# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of learn3D (3D-AE-featGAN)."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of learn3D (3D-AE-featGAN).

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import LEARN3D_FORMATS

    return convert_weights(
        argv,
        method="learn3D (3D-AE-featGAN)",
        formats=LEARN3D_FORMATS,
        example="svr3d convert-learn3d ckpt3D_02958343/last-E.ckpt car.pth "
        "--template sphere_642.obj",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
