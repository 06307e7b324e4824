# SPDX-License-Identifier: Apache-2.0
"""Messages that mmengine 0.10.7 prints at each start and that help nobody."""

import logging
import warnings

_LOG_LINES = (
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    "Failed to search registry with scope",
    "Distributed training is not used, all SyncBatchNorm",
    "The prefix is not set in metric class",
)
# (category, start of the message, module that raises it); never more than these.
_WARNINGS = (
    (DeprecationWarning, r"`?torch\.jit\.", r"torch\.|mmengine\."),
    (FutureWarning, r"`torch\.cuda\.amp\.", r"mmengine\."),
)


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(line in message for line in _LOG_LINES)


def quiet_start() -> None:
    """Hide exactly the lines listed above; call it before a runner is built."""
    for category, message, module in _WARNINGS:
        warnings.filterwarnings("ignore", message, category, module)
    from mmengine.logging import MMLogger

    if getattr(MMLogger, "_svr3d_quiet", False):
        return
    original = MMLogger.callHandlers

    def call_handlers(self: MMLogger, record: logging.LogRecord) -> None:
        if _FILTER.filter(record):
            original(self, record)

    MMLogger.callHandlers = call_handlers
    MMLogger._svr3d_quiet = True
    logging.getLogger("mmengine").addFilter(_FILTER)


_FILTER = _Filter()
