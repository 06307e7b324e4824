#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Train on several processes: one per GPU (NCCL), or on CPUs (gloo). They share the
# config's batch size, and give what one process gives.
#
#   tools/dist_train.sh configs/r2n2/res3dgru_shapenet.py 8
#   tools/dist_train.sh CONFIG PROCESSES [argument of tools/train.py]...
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 tools/dist_train.sh CONFIG 8
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '3,$ { /^#/!q; s/^# \{0,1\}//; p }' "$0" >&2
    exit 2
fi
config=$1 processes=$2
shift 2
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
launch "$processes" "$repository/tools/train.py" "$config" --launcher pytorch "$@"
