# SPDX-License-Identifier: Apache-2.0
"""Checks of a config before anything heavy starts."""
