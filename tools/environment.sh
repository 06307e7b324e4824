# SPDX-License-Identifier: Apache-2.0
# Sourced by the two commands: leaves $repository and $python (an interpreter that has
# svr3d, built, with all it needs). Makes a virtual environment in .venv the first time and
# whenever the requirements or the compiled sources have changed.
#
#   SVR3D_PYTHON=/path/to/python   use this interpreter as it is; nothing is installed
#   PYTHON=python3.12              the interpreter that the virtual environment is made from

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fingerprint() {
    (cd "$repository" && { cat "$@"; find csrc -type f -exec cat {} +; } | sha256sum | cut -d' ' -f1)
}

# Usage: prepare_environment [requirements file, relative to requirements/]...
prepare_environment() {
    if [ -n "${SVR3D_PYTHON:-}" ]; then
        python=$SVR3D_PYTHON
        return
    fi
    local base=${PYTHON:-python3} name wanted stamp
    if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "svr3d needs Python 3.10 or newer; '$base' is $("$base" --version 2>&1)." \
             "Set PYTHON to a newer one." >&2
        exit 1
    fi
    python=$repository/.venv/bin/python
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        echo "making the virtual environment $repository/.venv"
        rm -rf "$repository/.venv"
        "$base" -m venv "$repository/.venv" || {
            echo "could not make a virtual environment; on Debian and Ubuntu:" \
                 "apt-get install python3-venv" >&2
            exit 1
        }
    fi
    for name in "$@"; do
        stamp=$repository/.venv/.installed-$name
        wanted=$(fingerprint "requirements/$name")
        if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
            echo "installing requirements/$name"
            "$python" -m pip install --quiet --disable-pip-version-check \
                -r "$repository/requirements/$name" || exit 1
            echo "$wanted" >"$stamp"
        fi
    done
    stamp=$repository/.venv/.installed-svr3d
    wanted=$(fingerprint setup.py pyproject.toml)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] ||
        ! (cd / && "$python" -c 'import svr3d') 2>/dev/null; then
        echo "building svr3d (custom ops with $(command -v "${CXX:-g++}" || echo 'no C++ compiler'))"
        "$python" -m pip install --quiet --disable-pip-version-check \
            --no-build-isolation --no-deps -e "$repository" || exit 1
        echo "$wanted" >"$stamp"
    fi
}
