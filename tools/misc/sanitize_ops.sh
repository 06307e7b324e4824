#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the extension with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of
# its own, and runs the op tests with it.
#
#   tools/misc/sanitize_ops.sh [FOLDER] [pytest arguments]
#
# Needs GCC with libasan. PYTHON names the interpreter, MAX_JOBS the number of compilers.
# Leaks are not looked for: Python and torch keep what they allocate until they end.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(realpath -m "${1:-$root/build/sanitized}")
[ $# -gt 0 ] && shift
python=${PYTHON:-python}
mkdir -p "$folder"
for part in svr3d csrc configs tests setup.py pyproject.toml README.md; do
  rm -rf "${folder:?}/$part"
  cp -r "$root/$part" "$folder/"
done
rm -f "$folder"/svr3d/_C*.so
cd "$folder"
# -O1 keeps the checks affordable; the compiler's clones for instruction sets are resolved
# before the sanitizer is ready, so that they are left out.
export CFLAGS="-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined"
export CFLAGS="$CFLAGS -fno-sanitize-recover=undefined -DSVR3D_NO_CLONES"
export CXXFLAGS="$CFLAGS" LDFLAGS="-fsanitize=address,undefined"
"$python" setup.py -q build_ext --inplace
libraries="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
libraries="$libraries $(gcc -print-file-name=libstdc++.so.6)"
LD_PRELOAD="$libraries" ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
  UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH="$folder" OMP_NUM_THREADS=2 \
  SVR3D_SHARED="${SVR3D_SHARED:-$root/../shared}" \
  "$python" -m pytest -q -p no:cacheprovider tests/ops \
  --ignore tests/ops/test_cuda_sources.py "$@"
