# shellcheck shell=bash
# The program itself: built, started, watched until it is ready, stopped.

SAYOO="$SAYOO_VAR/bin/sayoo"
SAYOO_LOG="$LOGS/sayoo.log"

target_folder() {
    cargo metadata --format-version 1 --no-deps --offline 2>/dev/null |
        grep -o '"target_directory":"[^"]*"' | cut -d'"' -f4
}

# SAYOO_PROFILE=dev builds in a third of the time; bin/test does, customers should not.
build_program() {
    local profile=${SAYOO_PROFILE:-release} target
    target=$(target_folder)
    # The queries are checked against the committed .sqlx, never against a running database.
    if [ "$profile" = release ]; then
        env -u DATABASE_URL SQLX_OFFLINE=true cargo build --release --locked --bin sayoo
        cargo build --profile papers --locked --package sayoo-papers --bin sayoo-papers
        put_program "$target/release/sayoo" "$SAYOO"
        put_program "$target/papers/sayoo-papers" "$SAYOO-papers"
    else
        # With the tests, whose libraries want more features: what bin/test has built already is not built again without them.
        env -u DATABASE_URL SQLX_OFFLINE=true cargo build --profile "$profile" --locked --workspace --bins --tests
        put_program "$target/${profile/#dev/debug}/sayoo" "$SAYOO"
        put_program "$target/${profile/#dev/debug}/sayoo-papers" "$SAYOO-papers"
    fi
}

# put_program BUILT PLACE: a copy, so that a later build cannot change the program under the running one.
put_program() {
    if ! cmp -s "$1" "$2"; then
        cp "$1" "$2.new"
        mv "$2.new" "$2"
    fi
}

# The instance image; its reference goes to var/run/image.
build_image() {
    docker/odoo/build | tee "$RUN/image.output"
    tail -n 1 "$RUN/image.output" >"$RUN/image"
}

build_everything() {
    if [ -n "${SAYOO_SKIP_IMAGE:-}" ]; then
        run_together program build_program
        configured odoo image >"$RUN/image"
    else
        # Making the base image needs root. Once there is one, nothing here does.
        [ -s "$RUN/image" ] || ask_for_root
        run_together program build_program -- image build_image
    fi
}

# sayoo_step WHAT ARGUMENTS…: a short subcommand whose output is only shown when it fails.
sayoo_step() {
    local what=$1
    shift
    "$SAYOO" "$@" >"$LOGS/$1.log" 2>&1 || {
        tail -n 25 "$LOGS/$1.log" >&2
        fail "$what failed" "The log: $LOGS/$1.log. 'sayoo doctor' looks at the surroundings:" \
            "SAYOO_CONFIG=$SAYOO_CONFIG $SAYOO doctor"
    }
    done_with "$what"
}

sayoo_pid() {
    local pid
    pid=$(cat "$RUN/sayoo.pid" 2>/dev/null || true)
    # The number may have been given to another process since.
    if alive "$pid" && [ "$(readlink "/proc/$pid/exe" 2>/dev/null | sed 's/ (deleted)$//')" = "$SAYOO" ]; then
        printf '%s' "$pid"
    fi
}

# What the running program was started from: a change of any of it means starting again.
program_fingerprint() { cat "$SAYOO" "$SAYOO_CONFIG" "$RUN/image" 2>/dev/null | sha256sum | cut -d' ' -f1; }

# Whether the program that runs gives its listening sockets to another one.
hands_over() { [ -S "$SAYOO_VAR/proxy/proxy.sock" ] && [ -S "$SAYOO_VAR/proxy/web.sock" ]; }

start_program() {
    local pid now before=
    pid=$(sayoo_pid)
    now=$(program_fingerprint)
    if [ -n "$pid" ]; then
        [ "$(cat "$RUN/sayoo.started" 2>/dev/null)" = "$now" ] && return
        if hands_over; then
            say "  The program or its configuration changed: another one takes over."
            before=$pid
        else
            say "  The program or its configuration changed: starting it again."
            stop_program
        fi
    fi
    local port
    for port in "$SAYOO_PORT" "$SAYOO_WEB_PORT"; do
        if [ -z "$before" ] && port_answers "$port"; then port_is_taken "$port" sayoo; fi
    done
    keep_log_small
    setsid nohup "$SAYOO" all >>"$SAYOO_LOG" 2>&1 </dev/null 8>&- 9>&- &
    pid=$!
    printf '%s' "$pid" >"$RUN/sayoo.pid"
    printf '%s' "$now" >"$RUN/sayoo.started"
    if [ -n "$before" ]; then relieve_program "$before" "$pid"; fi
    local _
    for _ in $(seq 1 100); do
        if port_answers "$SAYOO_PORT"; then
            done_with "sayoo started"
            return
        fi
        alive "$pid" || break
        sleep 0.1
    done
    tail -n 25 "$SAYOO_LOG" >&2
    fail "sayoo does not start" "The log: $SAYOO_LOG"
}

# relieve_program OLD NEW: waits until the old one has handed over, answered what was under way, and ended.
relieve_program() {
    local old=$1 new=$2 _
    for _ in $(seq 1 225); do
        alive "$old" || return 0
        if ! alive "$new"; then
            # The next run tries again; until then the old one serves.
            printf '%s' "$old" >"$RUN/sayoo.pid"
            rm -f "$RUN/sayoo.started"
            tail -n 25 "$SAYOO_LOG" >&2
            fail "the new sayoo does not start; the one before still serves" "The log: $SAYOO_LOG"
        fi
        sleep 0.2
    done
    say "  The sayoo before did not hand over: stopping it."
    end_program "$old"
}

# One old log is enough: the program runs for months.
keep_log_small() {
    if [ "$(stat -c %s "$SAYOO_LOG" 2>/dev/null || echo 0)" -gt 50000000 ]; then mv "$SAYOO_LOG" "$SAYOO_LOG.1"; fi
}

stop_program() {
    local pid
    pid=$(sayoo_pid)
    [ -z "$pid" ] && return
    end_program "$pid"
    rm -f "$RUN/sayoo.pid"
    done_with "sayoo stopped"
}

# end_program PID
end_program() {
    local pid=$1 _
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 1 225); do
        alive "$pid" || break
        sleep 0.2
    done
    if alive "$pid"; then
        say "  sayoo did not stop within 45 s; killing it. It is made to survive that."
        # The whole session: the program's own children with it.
        kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid"
    fi
}

# Templates and warm pool; the program prints what it waits for.
wait_ready() {
    "$SAYOO" wait-ready 2>"$LOGS/wait-ready.log" | while IFS= read -r line; do say "  … $line"; done ||
        {
            tail -n 15 "$LOGS/wait-ready.log" "$SAYOO_LOG" >&2
            fail "the templates or the warm pool do not get ready" "The log: $SAYOO_LOG" \
                "SAYOO_CONFIG=$SAYOO_CONFIG $SAYOO doctor"
        }
}
