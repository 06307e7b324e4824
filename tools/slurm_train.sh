#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Train under SLURM, one task per GPU. SLURM's SIGTERM before the time limit saves a
# checkpoint; the same command with --resume goes on from it.
#
#   GPUS=8 tools/slurm_train.sh PARTITION JOB_NAME CONFIG [argument of tools/train.py]...
#
# Environment: GPUS (8), GPUS_PER_NODE (at most 8), CPUS_PER_TASK (5), SRUN_ARGS.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '3,$ { /^#/!q; s/^# \{0,1\}//; p }' "$0" >&2
    exit 2
fi
partition=$1 job=$2 config=$3
shift 3
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
export PYTHONPATH="$repository${PYTHONPATH:+:$PYTHONPATH}"
# SRUN_ARGS is split into words on purpose.
# shellcheck disable=SC2086
exec srun --partition "$partition" --job-name "$job" --gres "gpu:$per_node" \
    --ntasks "$gpus" --ntasks-per-node "$per_node" \
    --cpus-per-task "${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "$python" -u "$repository/tools/train.py" "$config" --launcher slurm "$@"
