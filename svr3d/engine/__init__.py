# SPDX-License-Identifier: Apache-2.0
"""Training and testing: what mmengine lacks."""
