#!/bin/sh
# Builds ipc: build.sh DIR [PREFIX of the tools, such as ia64-linux-gnu-]
set -e
here=$(dirname "$(realpath "$0")")
mkdir -p "$1"
"${2}gcc" -std=gnu11 -O2 -Wall -Werror "$here/ipc.c" -o "$1/ipc"
