# SPDX-License-Identifier: Apache-2.0
"""Errors that users see; each message says where, what was expected, what was found."""

from collections.abc import Sequence


class SVR3DError(Exception):
    """Base class of all errors that svr3d raises for bad input."""


class ConfigError(SVR3DError):
    """A config file, an override or a registry name is wrong."""


class DataError(SVR3DError):
    """A data file is missing, broken or not of the documented layout."""


class MeshError(DataError):
    """A mesh cannot be used: no faces, non-finite vertices, unreadable file."""


class CheckpointError(SVR3DError):
    """A checkpoint cannot be used: foreign content, other model, broken file."""


class NonFiniteLossError(SVR3DError):
    """A training loss became NaN or infinite.

    Attributes:
        sample_ids: Identifiers of the samples in the offending batch.
    """

    def __init__(self, message: str, *, sample_ids: Sequence[str] = ()):
        super().__init__(message)
        self.sample_ids = list(sample_ids)
