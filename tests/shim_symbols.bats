#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast
# The library as an ELF file: what it exports, what it needs, how it is linked and installed.

load helpers

# interposed: the names of the table in shim/base/interpose.h, as the compiler sees it.
interposed() {
    printf '%s\n' '#include "base/interpose.h"' '#define Y(name) INTERPOSED_NAME name' 'INTERPOSED(Y)' 'INTERPOSED_TLS(Y)' \
        'INTERPOSED_ASSEMBLER(Y)' |
        "${CC:-cc}" -E -P -D_GNU_SOURCE -I"$BATS_TEST_DIRNAME/../shim" - |
        grep -o 'INTERPOSED_NAME *[A-Za-z0-9_]*' | awk '{ print $2 }' | LC_ALL=C sort
}

# What the library may call. A name that is missing here needs a reason that holds in a signal handler and
# in the child of a fork, or a place where neither can be.
allowed_imports() {
    cat <<'EOF2'
# One system call behind each, no lock, no heap (signal-safety(7) or the source of glibc).
access clone epoll_ctl ioctl fcntl fstat fstatat ftruncate geteuid getpeername getpgid getpgrp getpid
getppid getrlimit getsid getsockname getsockopt kill lseek lstat mmap mprotect munmap open openat prctl raise read
readlink readlinkat rename setpgid setrlimit setsockopt stat waitpid write getcwd umask memfd_create
# Memory and text only.
inet_ntop memchr memcmp memcpy memmove memset strcmp strlen strncmp strnlen strchr strrchr strspn strstr
sigaddset sigdelset sigemptyset sigfillset sigismember
# The mask of one thread, and whether it can be cancelled.
pthread_sigmask sigprocmask pthread_setcancelstate
# What the loader set up before main.
environ __environ getauxval __errno_location
# Fortified and stack-protected forms of the above, with which distributions build.
__stack_chk_fail __memcpy_chk __memmove_chk __memset_chk __read_chk __readlink_chk __readlinkat_chk __getcwd_chk __poll_chk
# Before main, in the first listen() and in exec wrappers: in a thread of the server's, in no handler.
dlsym localtime_r __register_atfork pthread_create pthread_attr_init pthread_attr_destroy
pthread_attr_setdetachstate pthread_attr_setstacksize posix_spawn_file_actions_addclose
# In a thread that calls SSL_read or SSL_write for the first time: a lookup of what is loaded.
dladdr dlopen
# In a dlopen() with RTLD_DEEPBIND: a list of what is loaded.
dl_iterate_phdr
# Put there by the compiler.
__cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable
EOF2
}

@test "the exports are the names of the table, all of them and no other" {
    interposed >"$BATS_TEST_TMPDIR/table"
    assert_within "$(wc -l <"$BATS_TEST_TMPDIR/table")" 40 200 "names in the table"
    diff "$BATS_TEST_TMPDIR/table" <(nm -D --defined-only "$LIB" | awk '{ print $3 }' | LC_ALL=C sort)
}

@test "the exports have no version, so that they state for any version that a program asks for" {
    run ! grep -E 'GNU_VERDEF|VERDEF' <(readelf --wide --dynamic --sections "$LIB")
    run ! grep @ <(nm -D --defined-only --with-symbol-versions "$LIB")
}

@test "the imports are in the list, beside what is interposed" {
    { allowed_imports | grep -v '^#' | tr ' ' '\n'; interposed; } | LC_ALL=C sort -u >"$BATS_TEST_TMPDIR/allowed"
    nm -D --undefined-only "$LIB" | awk '{ sub(/@.*/, "", $2); print $2 }' | LC_ALL=C sort -u >"$BATS_TEST_TMPDIR/imported"
    assert_within "$(wc -l <"$BATS_TEST_TMPDIR/imported")" 20 200 "imports"
    assert_eq "$(LC_ALL=C comm -13 "$BATS_TEST_TMPDIR/allowed" "$BATS_TEST_TMPDIR/imported")" "" "imports that are not allowed"
}

@test "the list allows no heap, no stdio, no lock" {
    local forbidden='malloc|free|calloc|realloc|printf|snprintf|vsnprintf|fprintf|fopen|fwrite|puts|pthread_mutex_lock|pthread_once'
    forbidden+='|sem_wait|__tls_get_addr|syslog|strerror|exit|abort|setenv|putenv|getenv'
    allowed_imports | grep -qwE 'munmap'
    run ! grep -wE -- "$forbidden" <(allowed_imports | grep -v '^#')
}

@test "only libc is needed" {
    run -0 readelf --wide --dynamic "$LIB"
    assert_eq "$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$output" | grep -vE '^(libc\.so(\.6)?|ld-linux.*|libdl\.so\.2|libpthread\.so\.0)$')" "" "other libraries"
    refute_output --partial RPATH
    refute_output --partial RUNPATH
}

@test "everything is bound at load, and nothing is writable that need not be" {
    run -0 readelf --wide --dynamic --segments "$LIB"
    assert_output --partial BIND_NOW
    assert_output --partial GNU_RELRO
    refute_output --partial TEXTREL
    # Read and write, not execute.
    assert_output --regexp 'GNU_STACK( +0x0+)+ RW '
    refute_output --regexp 'LOAD .* RWE '
}

# make_here TARGET VARIABLE...: the build directory of this run, no loader cache of the machine.
make_here() {
    env --unset=MAKEFLAGS --unset=MAKELEVEL --unset=MFLAGS \
        make -s -C "$BATS_TEST_DIRNAME/.." BUILD="$BUILD" LDCONFIG=true "$@"
}

@test "what is installed works by its bare name, and uninstalling leaves nothing" {
    local prefix=$BATS_TEST_TMPDIR/prefix
    make_here install PREFIX="$prefix"
    cmp "$BUILD/liboctopus.so" "$prefix/lib/liboctopus.so"
    LIB=liboctopus.so start_server epoll LD_LIBRARY_PATH="$prefix/lib"
    wait_until_started
    upgrade HUP
    grep -qF "$prefix/lib/liboctopus.so" "/proc/$SERVER_PID/maps"
    make_here uninstall PREFIX="$prefix"
    assert_eq "$(find "$prefix" ! -type d)" "" "files left"
}

@test "a staged installation lands below DESTDIR only, and goes again" {
    local stage=$BATS_TEST_TMPDIR/stage
    make_here install DESTDIR="$stage" PREFIX=/opt/octopus
    assert_eq "$(find "$stage" -type f -name '*.so*' -printf '%P %m\n')" "opt/octopus/lib/liboctopus.so 644" "files"
    [[ ! -e /opt/octopus ]]
    make_here uninstall DESTDIR="$stage" PREFIX=/opt/octopus
    assert_eq "$(find "$stage" ! -type d)" "" "files left"
}
