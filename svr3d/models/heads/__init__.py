# SPDX-License-Identifier: Apache-2.0
"""Decoders that emit a representation."""
