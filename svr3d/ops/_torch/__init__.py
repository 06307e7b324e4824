# SPDX-License-Identifier: Apache-2.0
"""Pure-torch twins of the custom ops: slower, and the reference of their tests."""
