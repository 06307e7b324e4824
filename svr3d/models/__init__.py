# SPDX-License-Identifier: Apache-2.0
"""Networks: backbones, view fusion, heads, losses, reconstructors."""
