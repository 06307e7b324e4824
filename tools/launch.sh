# SPDX-License-Identifier: Apache-2.0
# Sourced by dist_train.sh and dist_test.sh: finds Python and starts torchrun.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -n "${SVR3D_PYTHON:-}" ]; then
    python=$SVR3D_PYTHON
elif [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x "$repository/.venv/bin/python" ]; then
    python=$repository/.venv/bin/python
else
    python=$(command -v python || command -v python3)
fi

# Usage: launch PROCESSES PROGRAM [argument]...
# One machine: any free port. Several machines: NNODES, NODE_RANK, MASTER_ADDR and
# MASTER_PORT say which.
launch() {
    local processes=$1 nodes=${NNODES:-1} cores threads
    shift
    case $processes in
        '' | *[!0-9]* | 0)
            echo "error: expected a number of processes, found '$processes'" >&2
            exit 2
            ;;
    esac
    if [ -z "${OMP_NUM_THREADS:-}" ]; then
        cores=$("$python" -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
        threads=$((cores / processes))
        export OMP_NUM_THREADS=$((threads > 0 ? threads : 1))
    fi
    export PYTHONPATH="$repository${PYTHONPATH:+:$PYTHONPATH}"
    if [ "$nodes" -eq 1 ]; then
        exec "$python" -m torch.distributed.run --standalone --local-addr 127.0.0.1 \
            --nproc-per-node "$processes" "$@"
    fi
    exec "$python" -m torch.distributed.run --nnodes "$nodes" \
        --node-rank "${NODE_RANK:-0}" \
        --master-addr "${MASTER_ADDR:?set it to the address of node 0}" \
        --master-port "${MASTER_PORT:-29500}" --nproc-per-node "$processes" "$@"
}
