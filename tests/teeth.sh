#!/usr/bin/env bash
# Plants each bug of src/teeth.rs in turn and looks whether the drawn nights see it: which seed was the first, and which
# promise it broke. Fails when a bug goes unseen in SEEDS nights (10,000 unless said otherwise), or when one is seen
# where none was planted.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds="${SEEDS:-10000}"

cargo build --release --locked --features teeth --example torture
torture="${CARGO_TARGET_DIR:-target}/release/examples/torture"

unseen=0
printf '| bug | seen at seed | by |\n| --- | --- | --- |\n'
for bug in $("$torture" --bugs); do
  if seen="$("$torture" --bug "$bug" --until-first --seeds "$seeds")"; then
    printf '| `%s` | none of %s | |\n' "$bug" "$seeds"
    unseen=$((unseen + 1))
  else
    first="$(grep -m 1 '^seed ' <<<"$seen")"
    seed="$(cut -d ' ' -f 2 <<<"$first" | tr -d ':')"
    # The same night without the bug keeps every promise: else it was not the bug that was seen.
    "$torture" --seed "$seed" >/dev/null || {
      echo "seed $seed breaks a promise without any bug" >&2
      exit 1
    }
    printf '| `%s` | %s | %s |\n' "$bug" "$seed" "$(cut -d ' ' -f 3 <<<"$first" | tr -d ':')"
  fi
done
if [ "$unseen" -gt 0 ]; then
  echo "$unseen bugs were not seen" >&2
  exit 1
fi
