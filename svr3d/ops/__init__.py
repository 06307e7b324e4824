# SPDX-License-Identifier: Apache-2.0
"""Custom operations, each with a compiled kernel and a pure-torch twin."""
