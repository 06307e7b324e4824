# SPDX-License-Identifier: Apache-2.0
"""Losses, named by what they compare."""
