#!/usr/bin/env bash
# Builds for this machine's device, and checks and times everything on CUDA in one call:
#   bash bench/cuda_check.sh [FOLDER]
# The results go into FOLDER (default: cuda-results). Needs nvcc, a device, and PyTorch or CuPy in the
# Python that is on PATH; what is missing is skipped, and says so.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-cuda-results}" && cd "${1:-cuda-results}" && pwd)
failed=0
step() { # NAME COMMAND...
  printf '\n=== %s\n' "$1"
  if "${@:2}" 2>&1 | tee "$out/$1.log"; then echo "--- $1: ok"; else
    echo "--- $1: FAILED"
    failed=1
  fi
}
build() {
  cmake -S . -B build/cuda -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTRIATE_CUDA=ON -DSTRIATE_CUDA_EMULATED=ON \
    -DCMAKE_CUDA_ARCHITECTURES="${CUDAARCHS:-native}" -DPython_EXECUTABLE="$(command -v python)" >/dev/null &&
    cmake --build build/cuda && cp build/cuda/_c*.so python/striate/
}
sanitizer() { # TOOL PYTEST_ARGUMENT...
  if ! command -v compute-sanitizer >/dev/null; then
    echo "skipped: there is no compute-sanitizer"
    return 0
  fi
  compute-sanitizer --tool "$1" --error-exitcode 1 --target-processes all \
    python -m pytest -q -o addopts= -x -p no:cacheprovider tests/cuda/test_cuda_registry.py "${@:2}"
}
export PYTHONPATH=$PWD/python:$PWD${PYTHONPATH:+:$PYTHONPATH}
nvidia-smi 2>/dev/null | tee "$out/device.log" || echo "there is no nvidia-smi"
step build build
step tests python -m pytest -q -o addopts= tests/cuda tests/test_cuda_libraries.py tests/test_cuda_detection.py
step memcheck sanitizer memcheck -k torch
step racecheck sanitizer racecheck -k "torch and float32"
step bench python -m bench --device cuda
exit $failed
