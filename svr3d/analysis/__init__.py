# SPDX-License-Identifier: Apache-2.0
"""Diagnosis of data sets and methods."""
