# shellcheck shell=bash
# Long steps side by side, each with its log and a line of progress.

# run_together NAME COMMAND [-- NAME COMMAND]…: runs the commands (functions or programs
# without arguments) at the same time. Their output goes to var/log/NAME.log; the screen shows
# the seconds and the last line of each. The first failure ends the others and the script.
run_together() {
    local names=() pids=() name command index
    while [ $# -gt 0 ]; do
        name=$1 command=$2
        shift 2
        [ "${1:-}" = -- ] && shift
        names+=("$name")
        # A session of its own, so that stopping it stops what it started too.
        step_in_background "$command" "$LOGS/$name.log" 8>&- 9>&- &
        pids+=($!)
    done

    local began shown=0 left=${#names[@]} status tick=0
    began=$(date +%s)
    local ended=()
    trap 'end_steps "${pids[@]}"' EXIT
    trap 'exit 130' INT TERM
    while [ "$left" -gt 0 ]; do
        sleep 0.3
        tick=$((tick + 1))
        for index in "${!names[@]}"; do
            [ -n "${ended[index]:-}" ] && continue
            alive "${pids[index]}" && continue
            status=0
            wait "${pids[index]}" || status=$?
            ended[index]=1
            left=$((left - 1))
            if [ "$status" -ne 0 ]; then
                step_failed "${names[index]}" "$status"
            fi
            if [ -t 1 ] && [ "$shown" -gt 0 ]; then printf '\033[%dA\033[J' "$shown"; shown=0; fi
            printf '  ✓ %s (%s s)\n' "${names[index]}" "$(($(date +%s) - began))"
        done
        # A terminal is redrawn each second; a file gets a line every ten.
        if [ -t 1 ] && [ $((tick % 3)) -eq 0 ] || [ $((tick % 33)) -eq 0 ]; then
            if [ -t 1 ] && [ "$shown" -gt 0 ]; then printf '\033[%dA\033[J' "$shown"; fi
            shown=0
            for index in "${!names[@]}"; do
                [ -n "${ended[index]:-}" ] && continue
                printf '  … %-8s %4s s  %s\n' "${names[index]}" "$(($(date +%s) - began))" \
                    "$(last_line "$LOGS/${names[index]}.log")"
                shown=$((shown + 1))
            done
        fi
    done
    trap - EXIT INT TERM
}

step_in_background() {
    export SAYOO_BACKGROUND=1
    # Job control gives the step a process group of its own.
    set -m
    trap - EXIT
    ( trap - EXIT INT TERM; "$1" ) >"$2" 2>&1 </dev/null 8>&- 9>&- &
    local child=$!
    trap 'kill -TERM -- -$child 2>/dev/null' TERM
    wait "$child"
}

end_steps() {
    local pid
    for pid in "$@"; do
        if alive "$pid"; then kill -TERM "$pid" 2>/dev/null || true; fi
    done
}

last_line() { tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | tr -d '\033' | cut -c 1-90 || true; }

step_failed() {
    printf '\n--- the end of %s ---\n' "$LOGS/$1.log" >&2
    tail -n 25 "$LOGS/$1.log" >&2
    case $1 in
        packages) fail "the packages could not be installed" \
            "Is the network there, and is no other apt running? Try 'apt-get update', then bin/up again." ;;
        image) fail "the Odoo image could not be built" \
            "Is the network there, and about 6 GB of disk free? The whole log is $LOGS/image.log." \
            "To use an image of yours: set [odoo] image in $SAYOO_CONFIG and SAYOO_SKIP_IMAGE=1." ;;
        program) fail "the program could not be built" \
            "The whole log is $LOGS/program.log. 'cargo build --release --locked' shows the same by itself." ;;
        *) fail "$1 failed (exit code $2)" "The whole log is $LOGS/$1.log." ;;
    esac
}
