# SPDX-License-Identifier: Apache-2.0
"""Renderers of meshes."""
