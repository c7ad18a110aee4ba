#!/usr/bin/env bash
# Builds the programs, static, into OUTDIR: build.sh OUTDIR [CROSS-]
set -euo pipefail
here=$(dirname "$(realpath "$0")") out=$(realpath -m "$1")
mkdir -p "$out"
for name in wild memory forks calls; do
  "${2:-}gcc" -std=gnu11 -O1 -w -pthread -static "$here/$name.c" -o "$out/$name"
done
