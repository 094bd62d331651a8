# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags. cm::strict is for every target; cm::boundary adds what code inside the module needs.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")

add_library(cm_strict INTERFACE)
add_library(cm::strict ALIAS cm_strict)
target_include_directories(cm_strict INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_compile_options(cm_strict INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wundef -Wcast-align -Wvla
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast>
  -fstack-protector-strong -fcf-protection=full -fno-plt -fno-strict-aliasing
  # Machine paths stay out of the binaries, so that two builds in two places are the same.
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
target_link_options(cm_strict INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)

if(CM_SANITIZE)
  target_compile_options(cm_strict INTERFACE -fsanitize=${CM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cm_strict INTERFACE -fsanitize=${CM_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(cm_strict INTERFACE _FORTIFY_SOURCE=2)
endif()
if(CM_BUILD_FUZZ)
  # For whole directories, so that the directory of the tests can take it back.
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(CM_COVERAGE)
  target_compile_options(cm_strict INTERFACE --coverage)
  target_link_options(cm_strict INTERFACE --coverage)
endif()

# Inside the boundary: no exceptions, no RTTI, no C++ runtime, no guard variables (statics are constant-initialised).
add_library(cm_boundary INTERFACE)
add_library(cm::boundary ALIAS cm_boundary)
target_link_libraries(cm_boundary INTERFACE cm::strict)
target_compile_options(cm_boundary INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
  # gcc zeroes and copies what has a few hundred bytes with "rep stos" and "rep movs", which begin slowly.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-mmemset-strategy=vector_loop:512:noalign$<COMMA>libcall:-1:noalign>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-mmemcpy-strategy=vector_loop:512:noalign$<COMMA>libcall:-1:noalign>
  -ftls-model=initial-exec -fno-semantic-interposition)

# cm_kernel_flags(FILE FLAG...): -m flags of one kernel file. Whole targets never get them: an inline function compiled
# with AVX-512 could be the copy the linker keeps for every CPU.
function(cm_kernel_flags file)
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${ARGN}")
endfunction()
