# SPDX-License-Identifier: Apache-2.0
"""From folders of meshes to training data in the published layouts."""
