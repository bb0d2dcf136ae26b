# Compiles every csrc/cpu/**/*.kernel.cpp once per instruction set, each set an OBJECT library whose
# code lives in namespace striate::cpu::<isa>. STRIATE_ISA_XMACRO lists the sets, best first: the
# order in which dispatch.cpp tries them.
file(GLOB STRIATE_KERNEL_SOURCES CONFIGURE_DEPENDS csrc/cpu/*.kernel.cpp csrc/cpu/*/*.kernel.cpp)

set(STRIATE_ISAS "" CACHE STRING "Instruction sets to compile for, e.g. 'avx2;baseline'; empty: all")
set(STRIATE_KERNEL_LIBRARIES "")
set(STRIATE_ISA_XMACRO "")

function(striate_add_isa name)
  if(STRIATE_ISAS AND NOT name IN_LIST STRIATE_ISAS)
    return()
  endif()
  set(library striate_kernels_${name})
  add_library(${library} OBJECT ${STRIATE_KERNEL_SOURCES})
  target_link_libraries(${library} PRIVATE striate_options)
  target_compile_definitions(${library} PRIVATE STRIATE_ISA=${name})
  # -fno-math-errno lets sqrt be one instruction; -O3 unrolls the register tiles. No exceptions and
  # no RTTI: kernels neither throw nor hold anything that needs unwinding.
  target_compile_options(${library} PRIVATE ${ARGN} -fno-exceptions -fno-rtti -fno-threadsafe-statics)
  if(NOT STRIATE_SANITIZE)  # which at -O3 takes minutes to compile
    target_compile_options(${library} PRIVATE -O3)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC bug 105593: its own AVX-512 header warns of its deliberately undefined operands.
    target_compile_options(${library} PRIVATE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  set(STRIATE_KERNEL_LIBRARIES ${STRIATE_KERNEL_LIBRARIES} ${library} PARENT_SCOPE)
  set(STRIATE_ISA_XMACRO "${STRIATE_ISA_XMACRO} X(${name})" PARENT_SCOPE)
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  striate_add_isa(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
  striate_add_isa(avx2 -mavx2 -mfma)
  striate_add_isa(baseline)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  striate_add_isa(neon)
else()
  striate_add_isa(baseline)
endif()
