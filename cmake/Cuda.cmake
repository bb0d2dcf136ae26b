# Decides whether the CUDA backend is built, and keeps the reason when it is not.
#
# STRIATE_CUDA, from the environment or as a cache variable: AUTO builds it where a working toolkit is
# found, ON fails without one, OFF never builds it. CUDAARCHS or CMAKE_CUDA_ARCHITECTURES say what to
# compile for; without them it is this machine's devices, or all architectures where it has none.
# After this file STRIATE_CUDA_FOUND tells, and STRIATE_CUDA_REASON says why not; the language CUDA is
# enabled where it is found.
if(DEFINED ENV{STRIATE_CUDA} AND NOT DEFINED CACHE{STRIATE_CUDA})
  set(STRIATE_CUDA "$ENV{STRIATE_CUDA}")
endif()
set(STRIATE_CUDA "${STRIATE_CUDA}" CACHE STRING "Build the CUDA backend: AUTO, ON or OFF")
if(STRIATE_CUDA STREQUAL "")
  set(STRIATE_CUDA AUTO)
endif()
string(TOUPPER "${STRIATE_CUDA}" STRIATE_CUDA)
if(NOT STRIATE_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "STRIATE_CUDA must be AUTO, ON or OFF. Got '${STRIATE_CUDA}'.")
endif()

# The first nvcc of CUDACXX, CUDA_HOME, CUDA_PATH, PATH and /usr/local/cuda. What the user names comes
# first and is not passed over when it is broken: silently taking another would hide the mistake.
function(striate_find_nvcc result)
  if(CMAKE_CUDA_COMPILER)
    set(${result} "${CMAKE_CUDA_COMPILER}" PARENT_SCOPE)
    return()
  endif()
  if(NOT "$ENV{CUDACXX}" STREQUAL "")
    set(${result} "$ENV{CUDACXX}" PARENT_SCOPE)
    return()
  endif()
  foreach(variable CUDA_HOME CUDA_PATH)
    if(NOT "$ENV{${variable}}" STREQUAL "")
      set(${result} "$ENV{${variable}}/bin/nvcc" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  unset(found CACHE)
  find_program(found nvcc PATHS ENV PATH NO_DEFAULT_PATH NO_CACHE)
  if(NOT found AND EXISTS /usr/local/cuda/bin/nvcc)
    set(found /usr/local/cuda/bin/nvcc)
  endif()
  if(found)
    set(${result} "${found}" PARENT_SCOPE)
  else()
    set(${result} "" PARENT_SCOPE)
  endif()
endfunction()

# Compiles, links and runs a small program that prints the compute capability of each device; an
# empty `reason` means that it could be compiled. `devices` is such as "80;90", or empty.
function(striate_probe_nvcc nvcc reason devices)
  set(${devices} "" PARENT_SCOPE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/cuda_probe")
  file(WRITE "${folder}/probe.cu" [[
#include <cuda_runtime.h>
#include <cstdio>
__global__ void kernel() {}
int main() {
  int count = 0, major = 0, minor = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return 1;
  for (int i = 0; i < count; ++i) {
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, i);
    std::printf("%d;", 10 * major + minor);
  }
  if (count < 0) kernel<<<1, 1>>>();
}
]])
  execute_process(COMMAND "${nvcc}" -std=c++17 -ccbin "${CMAKE_CXX_COMPILER}" probe.cu -o probe
                  WORKING_DIRECTORY "${folder}" RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(status EQUAL 0)
    set(${reason} "" PARENT_SCOPE)
    execute_process(COMMAND "${folder}/probe" TIMEOUT 60 RESULT_VARIABLE status
                    OUTPUT_VARIABLE output ERROR_QUIET)
    if(status EQUAL 0)
      string(REGEX MATCHALL "[0-9]+" found "${output}")
      list(REMOVE_DUPLICATES found)
      list(SORT found COMPARE NATURAL)
      set(${devices} "${found}" PARENT_SCOPE)
    endif()
    return()
  endif()
  string(STRIP "${output}" output)
  string(REGEX REPLACE "[\r\n]+" "; " output "${output}")
  string(SUBSTRING "${output}" 0 300 output)
  set(${reason} "${nvcc} could not compile a small program (${status}) ${output}" PARENT_SCOPE)
endfunction()

# What to compile for where the user does not say so: this machine's devices, or, without any that the
# kernels can run on and this nvcc knows, all architectures.
function(striate_choose_architectures nvcc devices result)
  execute_process(COMMAND "${nvcc}" --list-gpu-arch OUTPUT_VARIABLE known ERROR_QUIET)
  set(own "")
  foreach(device IN LISTS devices)
    if(device GREATER_EQUAL 80 AND known MATCHES "compute_${device}[^0-9]")
      list(APPEND own ${device})
    else()
      message(STATUS "CUDA backend: no code is made for this machine's device of compute capability "
                     "${device}: the kernels need 80, and this nvcc must know it")
    endif()
  endforeach()
  if(own)
    set(${result} "${own}" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE version)
  string(REGEX MATCH "release ([0-9.]+)" _ "${version}")
  # The last one carries PTX, for architectures that do not exist yet.
  if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL 12.8)
    set(${result} 80-real 90-real 100-real 120 PARENT_SCOPE)
  else()
    set(${result} 80-real 90 PARENT_SCOPE)
  endif()
endfunction()

set(STRIATE_CUDA_FOUND OFF)
if(STRIATE_CUDA STREQUAL "OFF")
  set(STRIATE_CUDA_REASON "the build was made with STRIATE_CUDA=OFF")
else()
  striate_find_nvcc(striate_nvcc)
  if(striate_nvcc STREQUAL "")
    set(STRIATE_CUDA_REASON
        "no nvcc was found in CUDACXX, CUDA_HOME, CUDA_PATH, PATH or /usr/local/cuda when striate was built")
  else()
    striate_probe_nvcc("${striate_nvcc}" STRIATE_CUDA_REASON striate_devices)
    if(STRIATE_CUDA_REASON STREQUAL "")
      set(STRIATE_CUDA_FOUND ON)
    endif()
  endif()
endif()
if(STRIATE_CUDA STREQUAL "ON" AND NOT STRIATE_CUDA_FOUND)
  message(FATAL_ERROR "STRIATE_CUDA=ON, but ${STRIATE_CUDA_REASON}.")
endif()

if(STRIATE_CUDA_FOUND)
  set(CMAKE_CUDA_COMPILER "${striate_nvcc}")
  set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)  # importing must not need a driver
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND "$ENV{CUDAARCHS}" STREQUAL "")
    striate_choose_architectures("${striate_nvcc}" "${striate_devices}" CMAKE_CUDA_ARCHITECTURES)
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  message(STATUS "CUDA backend: ${striate_nvcc}, architectures ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "CUDA backend: not built, ${STRIATE_CUDA_REASON}")
endif()
