#!/usr/bin/env bash
# Looks for a minute, or for as many seconds as are given, at what each target makes of any text:
#
#   fuzz/run.sh              all targets
#   fuzz/run.sh 600 table    one of them, for ten minutes
#
# It needs Rust and a C++ compiler, and builds with libFuzzer's counters but without its sanitizers, so that the stable
# compiler does; there is no `unsafe` to look into. What makes a target fail is left in fuzz/artifacts/<target>/.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
targets=${2:-"manifest table template"}
triple=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing" \
  cargo build --release --target "$triple"

seeds() {
  case $1 in
    manifest) find ../manifests ../src/cli/templates ../tests/it/manifest/invalid -name '*.yaml' -o -name '*.toml' ;;
    table) find ../manifests ../src/cli/templates ../tests/it/manifest/invalid -name '*.csv' ;;
    *) find "seeds/$1" -name '*.txt' ;;
  esac
}

for target in $targets; do
  corpus=corpus/$target
  mkdir -p "$corpus" "artifacts/$target"
  seeds "$target" | while read -r seed; do
    cp "$seed" "$corpus/seed-$(basename "$seed")"
  done
  echo "== $target, $seconds s"
  "target/$triple/release/$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 \
    -only_ascii=0 -dict=words.dict -artifact_prefix="artifacts/$target/" -print_final_stats=1 "$corpus"
done
