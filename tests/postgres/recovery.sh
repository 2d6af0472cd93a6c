#!/bin/sh
# A ledger in PostgreSQL returns to a moment, as docs/operate/backup.md says: base backup, archived log, recovery.
#
# Usage: recovery.sh GUERDON       GUERDON is the binary; prints what `verify` and a statement say after the recovery
set -eu

guerdon=$1
bin=$(sh "$(dirname "$0")/cluster.sh" find)
folder=$(mktemp -d "${TMPDIR:-/tmp}/guerdon-recovery-XXXXXX")
as=
if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$folder"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
fi
stop() { $as "$bin/pg_ctl" -D "$folder/data" -m "$1" -w stop >/dev/null 2>&1 || true; }
trap 'stop immediate; rm -rf "$folder"' EXIT
start() { $as "$bin/pg_ctl" -D "$folder/data" -l "$folder/$1" -w start >/dev/null || { cat "$folder/$1" >&2; exit 1; }; }
ask() { "$bin/psql" -h "$folder/socket" -U guerdon -d postgres -Atc "$1"; }

cd "$folder"
$as mkdir archive socket
$as "$bin/initdb" -D "$folder/data" -U guerdon -A trust -E UTF8 --locale=C >/dev/null
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$folder/socket'
archive_mode = on
archive_command = 'test ! -f $folder/archive/%f && cp %p $folder/archive/%f'
wal_level = replica
END
start first.log
GUERDON_DATABASE="postgres://guerdon@$(printf %s "$folder/socket" | sed 's|/|%2F|g')/postgres"
export GUERDON_DATABASE
"$guerdon" demo --load-only --rows 500 >/dev/null 2>&1
$as "$bin/pg_basebackup" -h "$folder/socket" -U guerdon -D "$folder/base" --checkpoint=fast
"$guerdon" adjust customer:00042 111 --note "before the moment" >/dev/null
moment=$(ask "SELECT clock_timestamp()")
"$guerdon" adjust customer:00042 222 --note "after the moment" >/dev/null
archived=$(ask "SELECT pg_walfile_name(pg_switch_wal())")
tries=0
# The file is there before all of it is.
until [ "$(ask "SELECT '$archived' <= last_archived_wal FROM pg_stat_archiver")" = t ]; do
    tries=$((tries + 1))
    [ $tries -le 300 ] || { echo "the log is not archived" >&2; exit 1; }
    sleep 0.1
done

# The disk is lost.
stop immediate
rm -rf data
$as cp -R base data
cat >>data/postgresql.conf <<END
restore_command = 'cp $folder/archive/%f %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
END
$as touch data/recovery.signal
$as chmod 700 data
start second.log
tries=0
until [ "$(ask "SELECT pg_is_in_recovery()")" = f ]; do
    tries=$((tries + 1))
    [ $tries -le 300 ] || { cat second.log >&2; exit 1; }
    sleep 0.1
done
"$guerdon" verify
"$guerdon" statement customer:00042
"$guerdon" adjust customer:00042 1 --note "and it goes on"
