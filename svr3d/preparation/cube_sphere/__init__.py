# SPDX-License-Identifier: Apache-2.0
"""The synthetic set between cube and sphere, made on this machine."""
