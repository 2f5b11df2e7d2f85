# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Runs once before all files: what cannot work later fails here, with its reason.

source "${BASH_SOURCE[0]%/*}/helpers.public.bash"

setup_suite() {
    bats_require_minimum_version 1.8.0
    export BUILD LIB PUBLIC_ROOT PUBLIC_LIBS
    : "${BUILD:=${BASH_SOURCE[0]%/*}/../build}"
    BUILD=$(cd "$BUILD" && pwd)
    : "${LIB:=$BUILD/liboctopus.so}"
    # A preload or settings of whoever runs the tests would reach bats itself and every bare server.
    unset LD_PRELOAD
    unset "${!OCTOPUS_@}"
    if [[ ! -e $LIB ]]; then
        echo "no $LIB: run make first" >&2
        return 1
    fi
    # The runner has made one for all the bats that it starts.
    if [[ -n ${RUN_PUBLIC_ROOT:-} ]]; then
        PUBLIC_ROOT=$RUN_PUBLIC_ROOT PUBLIC_LIBS=$RUN_PUBLIC_ROOT/lib
    else
        make_public_root
    fi
    LIB=$PUBLIC_LIBS/liboctopus.so
}

teardown_suite() { [[ ${PUBLIC_ROOT:-} == "${RUN_PUBLIC_ROOT:-}" ]] || rm -rf "$PUBLIC_ROOT"; }
