#!/usr/bin/env bash
# The real binary against `millrun sim` in a process of its own, struck again and again: killed, stopped and continued,
# asked to end once and twice, started twice at a time, with nobody who reads what it prints. At the end of each family
# the simulator's books must show one job a part, one charge a write, no 429, no early poll, and every file at home.
#
#   tests/torture.sh [BLOWS] [SEED]      # 1000 blows unless said otherwise
#
# It takes jq, and a release build of the binary in target/ (or MILLRUN=PATH).
set -uo pipefail
cd "$(dirname "$0")/.."
blows="${1:-1000}"
RANDOM="${2:-1}"
millrun="$(realpath "${MILLRUN:-${CARGO_TARGET_DIR:-target}/release/millrun}")"
parts=24
limits='{ cad_writes: 10/0.3s, reviews: 20/0.3s, job_polls: 3/0.05s, reads: 600/0.3s, artifacts: 120/0.3s, balance: 60/0.3s }'

place="$(mktemp -d)"
service=0
tidy() {
  [ "$service" -gt 0 ] && kill -9 "$service" 2>/dev/null
  rm -rf "$place"
}
trap tidy EXIT
fail() {
  echo "torture: $1 (family $family, blow $struck; the folder is kept: $place)" >&2
  trap - EXIT
  kill -9 "$service" 2>/dev/null
  exit 1
}

# A run in the background; what it prints goes into files.
run() {
  "$millrun" run m.yaml --json >out.json 2>err.txt &
  child=$!
}

pause() { sleep "0.$(printf '%03d' $((RANDOM % $1)))"; }

# One blow; each kind is as likely as the next.
strike() {
  case $((RANDOM % 7)) in
  0 | 1) # killed
    run
    pause 600
    kill -9 "$child" 2>/dev/null
    ;;
  2) # stopped for a while, then killed
    run
    pause 400
    kill -STOP "$child" 2>/dev/null
    pause 700
    kill -CONT "$child" 2>/dev/null
    pause 200
    kill -9 "$child" 2>/dev/null
    ;;
  3) # asked to end
    run
    pause 600
    kill -TERM "$child" 2>/dev/null
    ;;
  4) # Ctrl-C twice
    run
    pause 600
    kill -INT "$child" 2>/dev/null
    pause 60
    kill -INT "$child" 2>/dev/null
    ;;
  5) # two at a time: one works, one is told so
    run
    first=$child
    "$millrun" run m.yaml --json >rival.json 2>rival.txt &
    rival=$!
    pause 500
    kill -9 "$first" "$rival" 2>/dev/null
    wait "$rival" 2>/dev/null
    child=$first
    ;;
  6) # nobody reads
    "$millrun" run m.yaml 2>err.txt > >(head -c 1 >/dev/null) &
    child=$!
    pause 600
    kill -9 "$child" 2>/dev/null
    ;;
  esac
  wait "$child" 2>/dev/null
  code=$?
  case $code in
  0 | 5 | 7 | 130 | 137 | 141 | 143) ;;
  *) fail "exit $code: $(cat err.txt)" ;;
  esac
  grep -qi panicked err.txt && fail "it panicked: $(cat err.txt)"
  # What the dead process had on its way arrives before the next one starts.
  pause 20
}

struck=0
family=0
while [ "$struck" -lt "$blows" ]; do
  family=$((family + 1))
  mkdir "$place/$family" && cd "$place/$family" || exit 1
  cat >m.yaml <<END
version: 1
name: struck
uid: s$family
limits: $limits
budget: { max_spend: 500.00 usd, keep_balance: 1.00 usd }
parts:
  - id: plate-{{ n }}
    matrix: { n: [$(seq -s ', ' 1 $parts)] }
    steps:
      - create: { prompt: "A plate {{ n }}0 x 40 x 6 mm." }
      - review: { prompt: Review it. }
      - iterate: { when: n > $((parts / 2)), prompt: Make it 8 mm thick. }
      - check: {}
      - download: {}
END
  "$millrun" sim --port 0 --state world --speed 200 --seed "$family" >sim.txt 2>sim.err &
  service=$!
  until grep -qs ORVILLE_API_KEY sim.txt; do sleep 0.01; done
  eval "$(grep '^export' sim.txt)"
  export ORVILLE_BASE_URL ORVILLE_API_KEY
  for _ in $(seq 1 20); do
    strike
    struck=$((struck + 1))
  done
  "$millrun" run m.yaml --json >out.json 2>err.txt || fail "the last run: exit $? $(cat err.txt)"
  curl -s "$ORVILLE_BASE_URL/_sim/books" >books.json
  charged="$("$millrun" ledger m.yaml --json | jq .all_runs.charged_cents)"
  jq -e --argjson n $parts --argjson charged "$charged" '
    .totals.jobs == $n and .totals.writes == ($n * 3 / 2) and .totals.reviews == $n
    and .totals.charged_cents == $charged
    and (.rate_limited | length) == 0 and .early_polls.count == 0 and .idempotency.conflicts == 0
  ' books.json >/dev/null || fail "the books: $(jq -c '{totals, rate_limited, early_polls, idempotency}' books.json), our ledger: $charged"
  [ "$(find out -name '*.step' | wc -l)" -eq "$parts" ] || fail "files: $(find out)"
  [ "$(find out -name '*.part' | wc -l)" -eq 0 ] || fail "temporary files: $(find out)"
  kill "$service" 2>/dev/null
  wait "$service" 2>/dev/null
  cd - >/dev/null || exit 1
done
echo "$struck blows on $family families: every part once, every charge in the ledger, no 429"
