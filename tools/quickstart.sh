#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh machine to a trained reconstructor, on procedural meshes made on the spot:
# environment, build, data, training, test table, baselines, a reconstructed held-out object
# and a report. Nothing is downloaded but Python packages. A second run takes up where the
# first one stopped. Runs from any directory; further arguments go to the training command.
#
#   ./tools/quickstart.sh
#   SVR3D_QUICKSTART=/tmp/demo ./tools/quickstart.sh     # put data and results there
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - started)); }

step "environment"
prepare_environment build.txt runtime.txt
cd "$repository"
out=${SVR3D_QUICKSTART:-$repository/work_dirs/quickstart}
data=$out/data
config=configs/r2n2/res3dgru_synthetic.py
options=(--cfg-options "data_root=$data")
mkdir -p "$out"
: >"$out/commands.txt"
# The report shows the commands that made it.
run() {
    printf 'python %s\n' "$*" | sed "s#$repository/##g" >>"$out/commands.txt"
    "$python" "$@"
}

step "data: procedural meshes, rendered and voxelised"
run tools/dataset_converters/make_synthetic.py "$data"

step "training the narrow Res3D-GRU"
amp=()
if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo 2>/dev/null; then
    amp=(--amp bf16) # half the time where the processor computes in bf16
fi
run tools/train.py "$config" --work-dir "$out/train" --resume auto \
    ${amp[@]+"${amp[@]}"} "$@" "${options[@]}"
checkpoint=$(ls -t "$out"/train/best_*.pth | head -n 1)

step "test table"
run tools/test.py "$config" "$checkpoint" --work-dir "$out/test" "${options[@]}"

step "baselines on the same split"
run tools/analysis/recognition_baselines.py "$config" --out "$out/baselines" "${options[@]}"

step "a held-out object"
object=$("$python" - "$data/ShapeNet.json" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as file:
    category = json.load(file)[0]
print(f"{category['taxonomy_id']}/{sorted(category['test'])[0]}")
PYTHON
)
views=("$data/ShapeNetRendering/$object/rendering/"0[0-4].png)
run tools/reconstruct.py "$checkpoint" "${views[@]}" --multi-view --animation \
    --out "$out/reconstruction"

step "report"
"$python" tools/analysis/report.py "$out/train" --test "$out/test" \
    --baselines "$out/baselines/recognition_baselines.json" --reconstructions "$out/reconstruction" \
    --commands "$out/commands.txt" --title "svr3d quickstart" --out "$out/index.html"

cat <<SUMMARY

done in $((SECONDS - started)) s
  data            $data
  checkpoint      $checkpoint
  test table      $out/test
  baselines       $out/baselines
  reconstruction  $out/reconstruction   ($object)
  report          $out/index.html
SUMMARY
