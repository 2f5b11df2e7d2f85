#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: install_packages.sh [PACKAGE...]
# Installs from Debian what is named, or what the tests and linters need, and is not there yet. Does nothing, and
# asks for no privilege, when nothing is missing.
set -eu

packages="
    gcc libc6-dev make libssl-dev musl-tools clang libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck valgrind
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user binutils
    bats bats-assert bats-support
    apache2 nginx haproxy lighttpd libnginx-mod-http-echo php-fpm php-cli redis-server memcached python3 gunicorn puma
    python3-uvicorn python3-hypercorn curl openssl strace wrk procps iproute2 util-linux coreutils libcap2-bin"

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Any node and any JDK will do; Debian's only where there is none.
command -v node >/dev/null || packages="$packages nodejs"
command -v javac >/dev/null || packages="$packages default-jdk-headless"
# shellcheck disable=SC2086 # one word per package
[ $# -gt 0 ] || set -- $packages

missing=
for package; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "$0: missing (apt-get install as root, or install by hand and set OCTOPUS_NO_INSTALL=1):$missing" >&2
    exit 1
fi

# The tests start their own servers; the packages' services must not come up beside them.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
# shellcheck disable=SC2086 # one word per package
apt-get install -q -y --no-install-recommends $missing </dev/null
