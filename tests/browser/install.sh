#!/bin/sh
# A browser with Japanese letters and a virus scanner for the tests, from Debian's packages.
set -eu
PATH="$PATH:/usr/sbin"
if command -v chromium >/dev/null && fc-list | grep -qi cjk && command -v clamd >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "The tests need chromium, a Japanese font (fonts-noto-cjk) and clamd: install them and run make again." >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo"
fi
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fontconfig clamav-daemon >/dev/null
