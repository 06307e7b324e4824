# SPDX-License-Identifier: Apache-2.0
"""Compositions of parts that train and predict."""
