#!/usr/bin/env bash
# The whole flow of a client that is none of ours, with nothing but curl: create with an image, poll, review, follow-up,
# messages, artifacts, list, balance, download. ORVILLE_BASE_URL and ORVILLE_API_KEY name the service, and POLL_SECONDS
# the longest wait between two polls. Files go into the folder that it is run in.
set -euo pipefail

api=$ORVILLE_BASE_URL/api/v1
auth="Authorization: Bearer $ORVILLE_API_KEY"
fail() {
    echo "third_party: $1" >&2
    exit 1
}

# call NAME CURL-ARGUMENTS…: the answer's body in NAME.json, its headers in NAME.head; its status must be a success.
call() {
    local name=$1 status
    shift
    status=$(curl --silent --show-error --max-time 30 --dump-header "$name.head" --output "$name.json" \
        --write-out '%{http_code}' --header "$auth" "$@")
    case $status in
    2??) ;;
    *) fail "$name: HTTP $status $(cat "$name.json")" ;;
    esac
    grep --quiet --ignore-case '^cache-control: no-store' "$name.head" || fail "$name may be stored"
    grep --quiet --ignore-case "^x-request-id: $(field "$name" request_id)" "$name.head" || fail "$name: request id"
}

# field NAME FIELD: the first text of that name in an answer.
field() {
    grep --only-matching "\"$2\":\"[^\"]*\"" "$1.json" | head -n 1 | cut -d '"' -f 4
}

# has NAME TEXT: fails unless the answer has it.
has() {
    grep --quiet --fixed-strings "$2" "$1.json" || fail "$1 has no $2: $(cat "$1.json")"
}

# until_completed JOB
until_completed() {
    local status
    for _ in $(seq 200); do
        call poll "$api/cad/jobs/$1"
        status=$(field poll status)
        case $status in
        completed) return ;;
        failed) fail "$1 failed" ;;
        esac
        sleep "$POLL_SECONDS"
    done
    fail "$1 is still $status"
}

# A PNG of one pixel.
printf '%s' iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg== |
    base64 --decode >sketch.png

call create "$api/cad/jobs" --header 'Idempotency-Key: third-party-create' \
    --form 'prompt=Create a mounting plate, 80 x 60 x 6 mm, with two through holes.' --form 'images=@sketch.png'
job=$(field create id)
has create '"status":"queued"'
call again "$api/cad/jobs" --header 'Idempotency-Key: third-party-create' \
    --form 'prompt=Create a mounting plate, 80 x 60 x 6 mm, with two through holes.' --form 'images=@sketch.png'
[ "$(field again id)" = "$job" ] || fail "an exact retry made another job"
until_completed "$job"
revision=$(field poll latest_revision_id)
has poll '"charged_cents":'

call review "$api/cad/jobs/$job/review" --header 'Content-Type: application/json' \
    --header 'Idempotency-Key: third-party-review' --data "{
        \"prompt\": \"Review this marked-up area.\",
        \"revision_id\": \"$revision\",
        \"viewer_state\": {\"snapshots\": [{\"label\": \"Marked area\", \"mime_type\": \"image/png\",
            \"data_base64\": \"$(base64 <sketch.png | tr -d '\n')\", \"source\": \"viewer_snapshot\"}]}
    }"
has review "\"revision_id\":\"$revision\""
has review '"assistant_message_id":'

call follow_up "$api/cad/jobs/$job/messages" --header 'Idempotency-Key: third-party-follow-up' \
    --form 'prompt=Increase the thickness to 8 mm.' --form 'images=@sketch.png;type=image/png;filename="mark \"up\".png"'
has follow_up '"message_id":'
until_completed "$job"
[ "$(field poll latest_revision_id)" != "$revision" ] || fail "the follow-up made no revision"

call messages "$api/cad/jobs/$job/messages"
has messages '"filename":"sketch.png"'
has messages '"content_type":"image/png"'
has messages '"mode":"review"'
has messages '"revision":"B"'

call artifacts "$api/cad/jobs/$job/artifacts"
artifact=$(field artifacts artifact_id)
has artifacts "\"download_url\":\"/api/v1/artifacts/$artifact/download\""

call list "$api/cad/jobs?limit=20&q=mounting%20plate"
has list "\"id\":\"$job\""
call balance "$api/billing/balance"
has balance '"cad_job_hold_cents":'

# As documented, with the redirect followed; and by the signed address, which needs no key.
curl --silent --show-error --fail --max-time 30 --location --header "$auth" --output plate.step \
    "$api/artifacts/$artifact/download"
call link "$api/artifacts/$artifact/download?redirect=false"
curl --silent --show-error --fail --max-time 30 --output signed.step "$(field link url)"
cmp plate.step signed.step
head -n 1 plate.step | grep --quiet '^ISO-10303-21;' || fail "no STEP file"
tail -n 1 plate.step | grep --quiet '^END-ISO-10303-21;' || fail "a STEP file without its end"
echo "third_party: all answers are as documented"
