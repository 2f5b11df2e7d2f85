#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What the files of all builds say of themselves: nothing of the library is writable and executable, nothing
# is bound later than at load, and musl offers all that it needs.

load helpers

# is_hardened LIB MACHINE
is_hardened() {
    local dynamic segments
    dynamic=$(readelf --wide --dynamic "$1")
    segments=$(readelf --wide --program-headers "$1")
    [[ $(readelf --wide --file-header "$1") == *"$2"* ]] || fail "not built for $2"
    run ! grep -E 'TEXTREL' <<<"$dynamic"
    run -0 grep -E '\(FLAGS\).*BIND_NOW|\(BIND_NOW\)' <<<"$dynamic"
    run -0 grep -E '\(FLAGS_1\).*NOW' <<<"$dynamic"
    run -0 grep -E '^ *GNU_RELRO' <<<"$segments"
    run -0 grep -E '^ *GNU_STACK .* RW +0x' <<<"$segments"
    run ! grep -E '^ *(LOAD|GNU_STACK) .* (RWE|WE) ' <<<"$segments"
    # Full: no part of the offset table stays writable.
    run ! grep -E ' \.got\.plt ' <<<"$(readelf --wide --sections "$1")"
    run ! grep -E 'RPATH|RUNPATH' <<<"$dynamic"
}

# As readelf names it: X86-64.
native_machine() { uname -m | tr '_a-z' '-A-Z' | sed 's/AARCH64/AArch64/'; }

# bats test_tags=fast
@test "the library has no text relocations, full RELRO and no executable stack" {
    is_hardened "$LIB" "$(native_machine)"
}
@test "so has the one for musl" { is_hardened "$BUILD/musl/liboctopus.so" "$(native_machine)"; }
@test "so has the one for aarch64" { is_hardened "$BUILD/aarch64/liboctopus.so" AArch64; }

@test "the one for musl needs its libc and nothing else" {
    run -0 readelf --wide --dynamic "$BUILD/musl/liboctopus.so"
    assert_eq "$(grep -c '(NEEDED)' <<<"$output")" 1 "libraries needed"
    assert_line --regexp 'NEEDED.*\[libc\.so\]'
    run ! grep -E 'GLIBC_|ld-linux' <(readelf --wide --version-info "$BUILD/musl/liboctopus.so")
}

# Of a libc that is not glibc: a name that it lacks would end every program at its start.
@test "the one for musl imports from a list" {
    run -0 nm --dynamic --undefined-only "$BUILD/musl/liboctopus.so"
    (( ${#lines[@]} > 20 )) || fail "only ${#lines[@]} imports"
    run -0 comm -23 <(awk '{ print $2 }' <<<"$output" | sort) <(musl_imports | sort)
    assert_output ''
}

musl_imports() {
    # The start-up code of the compiler, weak.
    printf '%s\n' _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __cxa_finalize
    # Text and memory.
    printf '%s\n' memchr memcmp memcpy memmove memset strcmp strlen strchr strncmp strnlen strrchr strspn strstr
    # Addresses.
    printf '%s\n' htonl htons ntohl ntohs
    # One system call each.
    printf '%s\n' access clock_gettime clone epoll_ctl fchmod fcntl fstat fstatat ftruncate getcwd \
        geteuid getpeername getpgid getpgrp getpid getppid getrlimit getsid getsockname getsockopt ioctl kill lseek \
        lstat mmap munmap open openat prctl pthread_setcancelstate read readlink readlinkat rename setpgid setrlimit setsockopt stat \
        time waitpid write
    # Libraries that the program has loaded.
    printf '%s\n' dladdr dlopen dl_iterate_phdr
    # Signals and threads.
    printf '%s\n' pthread_atfork pthread_sigmask raise sigaddset sigdelset sigemptyset sigfillset \
        sigismember sigprocmask
    # What a process knows of itself.
    printf '%s\n' __errno_location ___environ __environ _environ environ getauxval localtime_r dlsym
}
