#!/usr/bin/env bash
# Builds for this machine's device, and checks and times everything on CUDA in one call:
#   bash bench/cuda_check.sh [FOLDER [STEP...]]
# Each step has a time limit and leaves FOLDER/STEP.log (default: cuda-results); what it printed so
# far is there too when it fails or is stopped. FOLDER/summary.txt is of all steps, FOLDER/tables.txt
# what the benchmark printed. Steps that are named run alone, so that many short calls do as well as
# one long one.
#
# Needs a device, its driver, nvcc, a C++ compiler and Python with its headers. Python packages that
# are missing are installed into build/cuda-site (PIP_NO_INDEX=1 PIP_FIND_LINKS=... where there is no
# network). PYTHON names the interpreter; CUDAARCHS, if set, what to build for in the place of the
# machine's device.
set -uo pipefail
cd "$(dirname "$0")/.."
every_step=(packages build tests convolutions training operations exact large memcheck racecheck)
# Seconds; LIMIT_SCALE=2 doubles them.
declare -A limit=([packages]=400 [build]=480 [tests]=240 [large]=90 [memcheck]=200 [racecheck]=200
  [operations]=300 [convolutions]=240 [exact]=300 [training]=120)

python=${PYTHON:-$(command -v python3 || command -v python || echo python3)}
site=$PWD/build/cuda-site
for folder in /usr/local/cuda/bin /usr/local/cuda/compute-sanitizer; do
  if [ -d $folder ]; then PATH=$PATH:$folder; fi
done
export PYTHONPATH=$PWD/python:$PWD PYTHONDONTWRITEBYTECODE=1
for folder in "$site"/*/; do # a folder for each package: see get
  if [ -d "$folder" ]; then PATH=${folder}bin:$PATH PYTHONPATH=$PYTHONPATH:$folder; fi
done
export PATH PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

has() { "$python" -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$1'))"; }
get() { # MODULE PIP_ARGUMENT...: where the module is missing
  if has "$1"; then return 0; fi
  echo "installing ${*:2}"
  rm -rf "${site:?}/$1"
  "$python" -m pip install --quiet --target "$site/$1" "${@:2}" || echo "missing: $1"
}
packages() {
  get pybind11 pybind11
  get numpy numpy
  get pytest pytest
  get xdist pytest-xdist
  command -v cmake >/dev/null || get cmake cmake
  command -v ninja >/dev/null || get ninja ninja
  get torch torch
  local toolkit
  toolkit=$(nvcc --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
  # Without its dependencies: a second NumPy would be in the way of the first one.
  get cupy --no-deps "cupy-cuda${toolkit:-13}x" fastrlock cuda-pathfinder
}
build() {
  # The processor's kernels are not what is tested: one instruction set is enough.
  local isas=""
  if [ "$(uname -m)" = x86_64 ]; then isas=avx2; fi
  cmake -S . -B build/cuda -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTRIATE_CUDA=ON \
    -DSTRIATE_ISAS="$isas" -DPython_EXECUTABLE="$(command -v "$python")" &&
    cmake --build build/cuda && cp build/cuda/_core*.so build/cuda/_cuda.*.so python/striate/ &&
    "$python" -c "
from striate import _backend, cli
cli.main(['info'])
problem = _backend.cuda_problem()
if problem: raise SystemExit(problem)"
}
run_pytest() {
  "$python" -m pytest -q -o addopts= -W default -p no:cacheprovider -rs --durations=5 "$@"
}
tests() {
  local parallel=()
  if has xdist; then parallel=(-n 4); fi
  run_pytest ${parallel[@]+"${parallel[@]}"} tests/cuda tests/test_cuda_libraries.py \
    tests/test_cuda_detection.py --ignore tests/cuda/test_cuda_large.py
}
large() { run_pytest tests/cuda/test_cuda_large.py; }
sanitizer() { # TOOL PYTEST_ARGUMENT...
  if ! command -v compute-sanitizer >/dev/null; then
    echo "skipped: there is no compute-sanitizer"
    return 0
  fi
  # Every tensor an allocation of its own, so that what lies behind it is no other tensor's.
  PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool "$1" --error-exitcode 1 \
    --print-limit 20 --target-processes all "$python" -m pytest -q -o addopts= -W default -x \
    -p no:cacheprovider tests/cuda/test_cuda_registry.py tests/cuda/test_cuda_products.py "${@:2}"
}
memcheck() { sanitizer memcheck -k "torch and not float64"; }
# Races in shared memory, of the kernels that use it.
racecheck() {
  sanitizer racecheck -k "torch and not float64 and (conv2d or linear or split or bias_grad or \
batch_norm or group_norm or softmax or max_pool2d_grad or local_response_norm or clip_grad_norm)"
}
# The tables of bench/cuda.
timed() { "$python" -m bench.cuda "$1" --json "$out/$1.json"; }
operations() { timed operations; }
convolutions() { timed convolutions; }
exact() { timed exact; }
training() { timed training; }

if [ "${1:-}" = --step ]; then # what `step` below starts, so that a limit can stop all of it
  out=$2
  "$3"
  exit
fi

out=$(mkdir -p "${1:-cuda-results}" && cd "${1:-cuda-results}" && pwd) || exit 2
steps=("${@:2}")
if [ ${#steps[@]} -eq 0 ]; then steps=("${every_step[@]}"); fi
for name in "${steps[@]}"; do
  if [ -z "${limit[$name]:-}" ]; then
    echo "there is no step $name: ${every_step[*]}"
    exit 2
  fi
done
finish() {
  for name in convolutions exact training operations; do
    if [ -s "$out/$name.log" ]; then cat "$out/$name.log" && echo; fi
  done >"$out/tables.txt"
}
trap finish EXIT

failed=0
{
  date -u
  git rev-parse HEAD 2>/dev/null
  nvidia-smi 2>/dev/null || echo "there is no nvidia-smi"
  nvcc --version 2>/dev/null || echo "there is no nvcc"
} | tee "$out/device.log"
for name in "${steps[@]}"; do
  seconds=$((${limit[$name]} * ${LIMIT_SCALE:-1}))
  start=$SECONDS
  printf '\n=== %s (at most %d s)\n' "$name" $seconds
  timeout -k 10 $seconds bash bench/cuda_check.sh --step "$out" "$name" 2>&1 | tee "$out/$name.log"
  status=${PIPESTATUS[0]}
  case $status in
    0) verdict=$(grep -q '^skipped' "$out/$name.log" && echo "ok, but for what was skipped" || echo ok) ;;
    124 | 137) verdict="FAILED: stopped at its limit" ;;
    *) verdict="FAILED ($status)" ;;
  esac
  if [ "$status" -ne 0 ]; then failed=1; fi
  echo "$name: $verdict, $((SECONDS - start)) s" | tee -a "$out/summary.txt"
  if [ "$status" -ne 0 ] && [ "$name" = build ]; then
    echo "there is nothing to run" | tee -a "$out/summary.txt"
    break
  fi
done
exit $failed
