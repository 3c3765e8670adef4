# shellcheck shell=bash
# Runs test runners one after the other and adds up what they report.

PASSED=0
FAILED=0

# counted NAME COMMAND…: shows the output as it comes, and counts. A runner that ends badly
# without naming a failed test (it does not compile, say) counts as one failure.
counted() {
    local name=$1 status=0 output before=$FAILED began=$SECONDS
    shift
    output="$LOGS/test-$name.log"
    say ""
    say "== $name"
    "$@" 2>&1 | tee "$output" || status=${PIPESTATUS[0]}
    add_up "$output"
    say "   $name took $((SECONDS - began)) s"
    if [ "$status" -ne 0 ] && [ "$FAILED" -eq "$before" ]; then
        say "✗ $name ended with exit code $status"
        FAILED=$((FAILED + 1))
    fi
}

# The closing lines of cargo-nextest, cargo test and node --test.
add_up() {
    local passed failed
    read -r passed failed < <(tr -d '\033' <"$1" | sed 's/\[[0-9;]*m//g' | awk '
        /^ *Summary \[/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) p += $(i - 1)
                if ($i ~ /^(failed|timed)/) f += $(i - 1)
            }
        }
        /^test result:/ { p += $4; f += $6 }
        /^(#|ℹ) pass [0-9]+$/ { p += $3 }
        /^(#|ℹ) (fail|cancelled) [0-9]+$/ { f += $3 }
        END { print p + 0, f + 0 }')
    PASSED=$((PASSED + passed))
    FAILED=$((FAILED + failed))
}

# The last line of a test run, and its exit code.
verdict() {
    say ""
    say "$PASSED passed, $FAILED failed"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}
