#!/bin/sh
# Looks for code that the linker could swap between the kernel variants.
#
# Specialisations of generic code from the standard library are weak symbols with the same name in every module. If one
# of the modules compiled for AVX2 or AVX-512 emits any, the linker may keep that copy for the whole program, which then
# stops with an illegal instruction on an older processor. It also means that a load or store is a call.
#
# usage: Tools/check_kernel_symbols.sh [BUILD_FOLDER]     (default .build/release; build first; debug builds are not
# meant for older processors and do share small helpers)
set -eu
folder=${1:-.build/release}
status=0
found=0
for module in PrismKernelsAVX2 PrismKernelsAVX512; do
  for object in "$folder/$module.build"/*.o; do
    [ -e "$object" ] || continue
    found=1
    # Code only (data holds no instructions); symbols with the module's name are its own.
    weak=$(nm "$object" | awk '$2 == "W" { print $3 }' | grep -v "$module" || true)
    if [ -n "$weak" ]; then
      echo "$object: weak symbols that other modules may share:" >&2
      echo "$weak" | sed 's/^/  /' >&2
      status=1
    fi
  done
done
if [ "$found" = 0 ]; then
  echo "$folder: no kernel objects; build first (or this is not an x86-64 machine)" >&2
  exit 2
fi
[ "$status" = 0 ] && echo "kernel symbols: nothing shared"
exit "$status"
