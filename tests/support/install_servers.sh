#!/bin/sh
# Install the servers whose stores are tested, the browser in which pages are, the Prometheus that
# reads metrics, and what the benchmark presses servers with, from Debian's packages, where they are
# missing.
#
# The tests start them themselves, on free ports of the loopback and with data of their own: none
# of them need run as a service.
set -eu

missing=
command -v openssl >/dev/null || missing="$missing openssl"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v redis-sentinel >/dev/null || missing="$missing redis-sentinel"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
command -v pgbouncer >/dev/null || missing="$missing pgbouncer"
command -v mariadbd >/dev/null || missing="$missing mariadb-server"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v wrk >/dev/null || missing="$missing wrk"
command -v chromium >/dev/null || missing="$missing chromium fonts-liberation"
if [ -z "$missing" ]; then
    exit 0
fi
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086  # A list of packages.
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
