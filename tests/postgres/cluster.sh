#!/bin/sh
# A throw-away PostgreSQL for tests: made in a folder of its own, told on stdout by its URL, and gone when stdin ends,
# however whoever holds it ends. A server that is killed comes back. It listens on a socket in its folder, and on the port of 127.0.0.1 that is given.
#
# Usage: cluster.sh PORT [SETTING=VALUE…]
#        cluster.sh find                  says where PostgreSQL is installed, or what to do
set -eu

port=$1; shift

# The newest of what is installed, 15 at least; Debian keeps it out of the PATH.
find_bin() {
    if [ -n "${GUERDON_POSTGRES_BIN:-}" ]; then echo "$GUERDON_POSTGRES_BIN"; return; fi
    for version in 25 24 23 22 21 20 19 18 17 16 15; do
        for folder in "/usr/lib/postgresql/$version/bin" "/usr/pgsql-$version/bin" "/opt/homebrew/opt/postgresql@$version/bin"; do
            if [ -x "$folder/initdb" ]; then echo "$folder"; return; fi
        done
    done
    if command -v initdb >/dev/null 2>&1; then dirname "$(command -v initdb)"; fi
}

bin=$(find_bin)
if [ -z "$bin" ]; then
    echo "there is no PostgreSQL here: install 15 or newer (./dev test does), or name its folder in GUERDON_POSTGRES_BIN" >&2
    exit 1
fi

if [ "$port" = find ]; then
    echo "$bin"
    exit
fi

# In memory where there is such a place: what is synced there costs nothing, and nothing needs to outlive the tests.
folder=$(mktemp -d "${GUERDON_POSTGRES_FOLDER:-$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")}/guerdon-pg-XXXXXX")
as=
if [ "$(id -u)" -eq 0 ]; then
    # PostgreSQL refuses to run as root.
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$folder"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
fi
chmod 755 "$folder"

remove() { rm -rf "$folder"; }
trap remove EXIT

cd "$folder"
$as "$bin/initdb" -D "$folder/data" -U guerdon -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
set -- $(for it in "$@"; do printf -- '-c %s ' "$it"; done)
serve() {
    # One that is killed comes back, as under whatever looks after a real one.
    while [ ! -e "$folder/stop" ]; do
        $as "$bin/postgres" -D "$folder/data" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 \
            -c max_connections=200 -c shared_buffers=64MB -c max_wal_size=256MB -c autovacuum_naptime=10s \
            -c log_min_messages=fatal "$@" >>"$folder/server.log" 2>&1 </dev/null || true
        sleep 0.1
    done
}
serve "$@" &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$folder" -p "$port" -U guerdon; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ]; then
        cat "$folder/server.log" >&2
        touch "$folder/stop"
        exit 1
    fi
    sleep 0.05
done

echo "postgres://guerdon@$(printf %s "$folder" | sed 's|/|%2F|g'):$port/postgres"

# Until whoever started it is gone.
cat >/dev/null || true
touch "$folder/stop"
$as "$bin/pg_ctl" -D "$folder/data" -m immediate -W stop >/dev/null 2>&1 || true
wait "$server" 2>/dev/null || true
