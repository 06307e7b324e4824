# SPDX-License-Identifier: Apache-2.0
"""Metrics with explicit protocols."""
