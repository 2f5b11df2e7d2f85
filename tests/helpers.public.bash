# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A server that drops root must still be able to read what its next generation preloads. A tree in
# root's home is closed to it, so the tests preload copies.

# make_public_root: sets PUBLIC_ROOT, a fresh directory that every user can enter, and PUBLIC_LIBS, which
# holds copies in it: liboctopus.so is the library LIB, wherever that is; failpoints/liboctopus.so and the like
# come from the build. The caller removes it.
make_public_root() {
    local lib
    PUBLIC_ROOT=$(mktemp -d "$(public_parent)/octopus-test.XXXXXX")
    chmod 0755 "$PUBLIC_ROOT"
    PUBLIC_LIBS=$PUBLIC_ROOT/lib
    for lib in "$BUILD"/*/liboctopus.so; do
        [[ ! -e $lib ]] || install -D -m 0644 "$lib" "$PUBLIC_LIBS/${lib#"$BUILD"/}"
    done
    install -D -m 0644 "$LIB" "$PUBLIC_LIBS/liboctopus.so"
}

# public_parent: prints TMPDIR, or /tmp where TMPDIR is for its owner only, as libpam-tmpdir makes it.
public_parent() {
    local dir
    dir=$(realpath "${TMPDIR:-/tmp}")
    if everyone_can_enter "$dir"; then echo "$dir"; else echo /tmp; fi
}

# everyone_can_enter DIR: an absolute path without symlinks.
everyone_can_enter() {
    local dir=$1
    while [[ -n $dir ]]; do
        (( 8#$(stat -c %a "$dir") & 1 )) || return
        dir=${dir%/*}
    done
}
