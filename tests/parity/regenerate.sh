#!/usr/bin/env bash
# Runs generate.py in a fresh environment with tensorflow-addons; passes arguments on.
#   regenerate.sh            writes golden.npz anew
#   regenerate.sh --check    compares with the committed golden.npz
# PYTHON names another interpreter; tensorflow 2.15 has wheels up to Python 3.11.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --requirement "$here/requirements.txt"
"$folder/venv/bin/python" "$here/generate.py" "$@"
