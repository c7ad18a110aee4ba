#!/usr/bin/env bash
# Builds the program, its library and its plug-in into OUTDIR:
#   build.sh OUTDIR [CROSS-]      CROSS- as in ia64-linux-gnu-, which must be on PATH; without it, for this machine
set -euo pipefail
here=$(dirname "$(realpath "$0")") out=$(realpath -m "$1") CXX=${2:-}g++
mkdir -p "$out"
flags=(-std=c++17 -O2 -Wall -Wextra -ffp-contract=off -fnon-call-exceptions -fasynchronous-unwind-tables -pthread)
"$CXX" "${flags[@]}" -fPIC -shared "$here/shapes.cpp" -o "$out/libshapes.so"
"$CXX" "${flags[@]}" -fPIC -shared "$here/plugin.cpp" -o "$out/plugin.so" -L"$out" -lshapes '-Wl,-rpath,$ORIGIN'
"${2:-}gcc" -O2 -Wall -fexceptions -fasynchronous-unwind-tables -c "$here/leaf.c" -o "$out/leaf.o"
"$CXX" "${flags[@]}" "$here/main.cpp" "$out/leaf.o" -o "$out/main" -L"$out" -lshapes '-Wl,-rpath,$ORIGIN' -ldl
