# SPDX-License-Identifier: Apache-2.0
"""Arguments of the commands that several processes can run together."""

import argparse


def add_launcher_arguments(parser: argparse.ArgumentParser, script: str) -> None:
    """Add ``--launcher`` and the rank that some launchers append.

    Args:
        parser: The command's parser.
        script: The shell script that sets the launcher, named in the help.
    """
    parser.add_argument(
        "--launcher",
        choices=("none", "pytorch", "slurm", "mpi"),
        default="none",
        help=f"what started the processes; {script} sets it",
    )
    parser.add_argument(
        "--local-rank", "--local_rank", type=int, default=0, help=argparse.SUPPRESS
    )
