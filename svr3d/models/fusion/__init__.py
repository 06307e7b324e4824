# SPDX-License-Identifier: Apache-2.0
"""Fusion of the features of several views."""
