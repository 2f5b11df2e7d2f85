#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs from Debian the peers that the bench compares with. What cannot be had is left out of the
# comparison, so nothing fails here.
set -eu

for package in haproxy gunicorn libserver-starter-perl starman; do
    "$(dirname "$0")/../install_packages.sh" "$package" >&2 || echo "$0: left out: $package" >&2
done
