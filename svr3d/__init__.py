# SPDX-License-Identifier: Apache-2.0
"""svr3d: single-view 3D reconstruction from config files and a plugin registry."""

__version__ = "0.1.0"
