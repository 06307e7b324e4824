#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Test on several processes: one per GPU (NCCL), or on CPUs (gloo).
#
#   tools/dist_test.sh work_dirs/res3dgru_shapenet/best_voxel_iou_max_epoch_60.pth 8
#   tools/dist_test.sh CHECKPOINT PROCESSES [argument of tools/test.py]...
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [argument of tools/test.py]...
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '3,$ { /^#/!q; s/^# \{0,1\}//; p }' "$0" >&2
    exit 2
fi
files=("$1")
shift
if [[ $# -ge 2 && ! $1 =~ ^[0-9]+$ ]]; then
    files+=("$1")
    shift
fi
processes=$1
shift
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
launch "$processes" "$repository/tools/test.py" "${files[@]}" --launcher pytorch "$@"
