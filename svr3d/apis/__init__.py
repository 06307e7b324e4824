# SPDX-License-Identifier: Apache-2.0
"""Use of trained models from Python."""
