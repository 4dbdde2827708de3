#!/bin/sh
# Rebuild the two programs beside this file. Debian: apt-get install gcc gcc-aarch64-linux-gnu
# A new program has a new hash, so agents make themselves a new image of it.
set -eu
cd "$(dirname "$0")"
build() {
    "$1-linux-gnu-gcc" -Wall -Wextra -Werror -Os -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
        -fno-asynchronous-unwind-tables -fno-ident \
        -Wl,--build-id=none,-z,noseparate-code,-z,noexecstack -s -o "$2" pause.c
}
build x86_64 pause-amd64
build aarch64 pause-arm64
