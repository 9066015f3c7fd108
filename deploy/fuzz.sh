#!/usr/bin/env bash
# libFuzzer on one target or on each in turn: fuzz.sh TARGET|"" SECONDS. One corpus for all: samples and fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! rustup run nightly rustc --version >/dev/null 2>&1; then
  echo "fuzz: no nightly compiler; the same targets run on stable, without coverage as their guide:" >&2
  if [ -z "${1:-}" ]; then set -- "" "$2"; fi
  SHIKAKU_FUZZ_SECONDS=$2 exec cargo test -p shikaku-schemas --test fuzz -- --nocapture $1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: installing cargo-fuzz into .tools" >&2
  cargo install cargo-fuzz --version 0.13.2 --locked --root .tools >&2
fi

targets=${1:-$(cd fuzz && cargo +nightly fuzz list)}
for target in $targets; do
  mkdir -p "fuzz/found/$target"
  # libFuzzer writes into the first folder and only reads the others.
  (cd fuzz && cargo +nightly fuzz run "$target" "found/$target" corpus ../schemas/samples/oqs ../schemas/samples/observations -- \
    -max_total_time="$2" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1)
done
