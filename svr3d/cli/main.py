# SPDX-License-Identifier: Apache-2.0
"""The console command ``svr3d``, and what all commands share."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from svr3d import __version__
from svr3d.errors import SVR3DError

# Command -> (module, what it does). A command's module is imported when it is used.
COMMANDS = {
    "train": ("svr3d.cli.train", "train a model from a config"),
    "test": ("svr3d.cli.test", "evaluate a checkpoint and print its table"),
    "reconstruct": ("svr3d.cli.reconstruct", "images in, 3D shape out"),
    "search-threshold": (
        "svr3d.cli.search_threshold",
        "find the best threshold on validation data",
    ),
    "build-dataset": (
        "svr3d.cli.build_dataset",
        "turn a folder of meshes into training data",
    ),
    "make-synthetic": (
        "svr3d.cli.make_synthetic",
        "make the embedded procedural data set",
    ),
    "make-cube-sphere": (
        "svr3d.cli.make_cube_sphere",
        "make the set between cube and sphere of the dispersion study",
    ),
    "pix3d-voxels": (
        "svr3d.cli.pix3d_voxels",
        "make the voxel grids of Pix3D from its meshes",
    ),
    "occnet-to-hdf5": (
        "svr3d.cli.occnet_to_hdf5",
        "make HDF5 files of a data set of Occupancy Networks",
    ),
    "pack-occnet": (
        "svr3d.cli.pack_occnet",
        "pack a data set of Occupancy Networks into one file",
    ),
    "pack-drc": (
        "svr3d.cli.pack_drc",
        "write the record files of a data set in DRC's layout",
    ),
    "recognition-baselines": (
        "svr3d.cli.recognition_baselines",
        "mean-shape and retrieval baselines of a split",
    ),
    "mine-neighbours": (
        "svr3d.cli.mine_neighbours",
        "write for each image those that look most like it",
    ),
    "dispersion-score": (
        "svr3d.cli.dispersion_score",
        "how dispersed images, shapes or predictions are",
    ),
    "dispersion-sweep": (
        "svr3d.cli.dispersion_sweep",
        "train a list of configs and draw their dispersion",
    ),
    "mmd": (
        "svr3d.cli.mmd",
        "how far apart a method's codes of different views are",
    ),
    "embed": (
        "svr3d.cli.embed",
        "draw where a method's codes lie, by view and by category",
    ),
    "interpolate": (
        "svr3d.cli.interpolate",
        "reconstruct what lies between two objects",
    ),
    "convert-r2n2": (
        "svr3d.cli.convert_r2n2",
        "convert published weights of 3D-R2N2",
    ),
    "convert-pix2vox": (
        "svr3d.cli.convert_pix2vox",
        "convert published weights of Pix2Vox",
    ),
    "convert-ssl3d": (
        "svr3d.cli.convert_ssl3d",
        "convert published weights of self-supervised point clouds",
    ),
    "convert-learn3d": (
        "svr3d.cli.convert_learn3d",
        "convert published weights of learn3D (3D-AE-featGAN)",
    ),
    "leaderboard": (
        "svr3d.cli.leaderboard",
        "put the results of several tests into one table",
    ),
    "compare-shapes": (
        "svr3d.cli.compare_shapes",
        "draw what several models make of the same samples",
    ),
    "convert-occnet": (
        "svr3d.cli.convert_occnet",
        "convert published weights of Occupancy Networks",
    ),
    "convert-atlasnet": (
        "svr3d.cli.convert_atlasnet",
        "convert published weights of AtlasNet, FoldNet and PSGN",
    ),
    "report": ("svr3d.cli.report", "write an HTML report of a work directory"),
    "lint-config": ("svr3d.cli.lint_config", "check configs without running them"),
    "list-registry": ("svr3d.cli.list_registry", "list every part a config can name"),
    "print-config": ("svr3d.cli.print_config", "print a resolved config, or a diff"),
}

USER_ERROR = 2
INTERRUPTED = 130


def usage() -> str:
    """Return the help text of ``svr3d``."""
    width = max(len(name) for name in COMMANDS)
    lines = [
        "usage: svr3d COMMAND [arguments]",
        "",
        "Single-view 3D reconstruction from config files.",
        "",
        "commands:",
        *(f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()),
        "",
        "options:",
        "  -h, --help     show this text; 'svr3d COMMAND --help' tells about a command",
        "  --version      show the version",
        "",
        "examples:",
        "  svr3d make-synthetic data/synthetic",
        "  svr3d train r2n2/res3dgru_synthetic.py --work-dir work_dirs/first",
        "  svr3d test work_dirs/first/last.pth",
        "",
        "Wrong input ends with one message and exit code 2; SVR3D_TRACEBACK=1 shows",
        "where it was raised.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; those of the process if not given.

    Returns:
        The exit code: 0 for success, 2 for wrong input.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if argv else USER_ERROR
    if argv[0] in ("--version", "version"):
        print(f"svr3d {__version__}")
        return 0
    name, *rest = argv
    if name not in COMMANDS:
        from svr3d.registry.part_registry import nearest_names

        near = nearest_names(name, COMMANDS)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        print(f"svr3d: there is no command {name!r}.{hint}\n", file=sys.stderr)
        print(usage(), file=sys.stderr)
        return USER_ERROR
    # argparse takes the program's name from here for its help and error texts.
    sys.argv[0] = f"svr3d {name}"
    return call(importlib.import_module(COMMANDS[name][0]).main, rest)


def call(
    function: Callable[[Sequence[str] | None], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """Call a command's ``main`` and turn errors that users cause into one message.

    Args:
        function: The command's ``main(argv)``.
        argv: Its arguments; those of the process if None.

    Returns:
        Its exit code; 2 after an ``SVR3DError``, 130 after Ctrl-C.
    """
    try:
        return int(function(argv) or 0)
    except SVR3DError as error:
        if os.environ.get("SVR3D_TRACEBACK", "0") not in ("", "0"):
            traceback.print_exc()
        else:
            print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(function: Callable[[Sequence[str] | None], int | None]) -> None:
    """Run a command as a program of its own, as the wrappers in ``tools/`` do."""
    sys.exit(call(function))


def entry_point() -> None:
    """Be the console script ``svr3d``."""
    sys.exit(main())


if __name__ == "__main__":
    entry_point()
