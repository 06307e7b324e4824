#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Set up everything and run the whole test suite. Further arguments go to pytest:
#   ./tools/run_tests.sh
#   ./tools/run_tests.sh tests/ops -k rasterize
# Up to four worker processes share the files of tests; -n 0 runs all in one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment build.txt runtime.txt dev.txt
cd "$repository"
exec "$python" -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
