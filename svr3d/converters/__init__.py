# SPDX-License-Identifier: Apache-2.0
"""Key maps for published checkpoints."""
