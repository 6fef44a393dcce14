#!/bin/sh
# What the tests need beside Python, from Debian's packages: a browser with Japanese letters, a virus scanner, the fonts
# of printed sheets, and poppler, which reads PDFs as another viewer would.
set -eu
PATH="$PATH:/usr/sbin"
paper="fonts-morisawa-bizud-gothic fonts-ipamj-mincho"
if command -v chromium >/dev/null && fc-list | grep -qi cjk && command -v clamd >/dev/null &&
  fc-list | grep -q BIZUDPGothic && fc-list | grep -q ipamjm && command -v pdftotext >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "The tests need chromium, a Japanese font (fonts-noto-cjk), clamd, pdftotext and pdftoppm (poppler-utils) and" \
    "the fonts of printed sheets (${paper}, fonts-dejavu-core): install them and run make again." >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo"
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086  # several packages
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends \
  chromium fonts-noto-cjk fonts-dejavu-core fontconfig clamav-daemon poppler-utils $paper >/dev/null
