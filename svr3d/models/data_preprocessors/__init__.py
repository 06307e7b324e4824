# SPDX-License-Identifier: Apache-2.0
"""The model's own normalisation of a batch."""
