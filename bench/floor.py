#!/usr/bin/env python3
"""Shows that the floor of `guerdon bench` is not slow: the same kind of rows, written by a program that shares nothing with it.

Python's own sqlite3, the schema of the repository, the same pragmas and checkpoints, 1,000 orders in a transaction, one
executemany for each kind of row. Times are those of the transactions alone; rows are made before.

    python3 bench/floor.py                        100,000 members, 50,000 orders, in a folder of its own
    python3 bench/floor.py --members 1000000 --dir /somewhere/on/the/disk

Compare `orders_per_s` with the floor's figure of `guerdon bench` for as many members on the same disk, at a time when nothing
else runs: the floor should not be the slower one by more than the noise of two runs.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import sqlite3
import tempfile
import threading
import time

SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "crates/store/src/migrations/001_ledger.sql"
NOW = 1_767_268_800_000_000
DAY = 86_400_000_000
DATE = "2026-01-01"
CHECKPOINT_PAGES = 4_000

LISTED = "INSERT INTO directory (key, owner_id, kind, program, number) VALUES (?, ?, ?, ?, ?)"
KEY = "owner_id, program, part, phase, sort_at, earned_at, no"
ACCOUNT = f"""INSERT INTO ledger ({KEY}, pending, available, held, owed, let_go, issued, redeemed, revoked, deducted,
    converted, expired, forfeited, moved, at, next_entry, next_lot, order_no, next_hold, due_at)
    VALUES (?, 1, 0, 0, 0, 0, 0, 0, ?, 0, 0, 0, ?, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, 1, ?)"""
POSTED = """UPDATE ledger SET pending = 0, available = ?, held = 0, owed = 0, let_go = 0, issued = ?, redeemed = 0,
    revoked = 0, deducted = 0, converted = 0, expired = 0, forfeited = 0, moved = 0, at = ?, next_entry = ?, next_lot = ?,
    order_no = ?, next_hold = 1, body = NULL
    WHERE owner_id = ? AND program = 1 AND part = 0 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0"""
LOT = f"""INSERT INTO ledger ({KEY}, order_no, at, due_at, code, pending, available, held, expired)
    VALUES (?, 1, 2, 1, ?, ?, ?, ?, NULL, NULL, 0, 0, ?, 0, 0)"""
ORDER = f"INSERT INTO ledger ({KEY}, code, reference, biz_date, body, state) VALUES (?, 1, 3, 0, 0, 0, ?, 1, ?, ?, ?, ?)"
ENTRY = f"INSERT INTO ledger ({KEY}, at, biz_date, code, order_no, body) VALUES (?, 1, 4, 0, 0, 0, ?, ?, ?, 1, ?, ?)"
SUMS = """orders, earned, added, redeemed, returned, revoked, regranted, repaid, deducted, expired, forfeited, moved,
    converted, owed, let_go, signed_up"""
TOTALS = f"""INSERT INTO totals (program, channel, day, slot, {SUMS}) VALUES (1, 1, ?, 0, ?, ?{", 0" * (SUMS.count(",") - 1)})
    ON CONFLICT (program, channel, day, slot) DO UPDATE SET orders = orders + excluded.orders,
    earned = earned + excluded.earned"""


def connect(path):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in (
        "cell_size_check = ON",
        "journal_mode = WAL",
        "synchronous = FULL",
        "wal_autocheckpoint = 0",
        f"journal_size_limit = {8 * CHECKPOINT_PAGES * 4096}",
        "cache_size = -32768",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def owner_of(number):
    millis = 1_700_000_000_000 + number * 1_000
    return millis.to_bytes(6, "big") + b"\x7f" + hashlib.sha256(number.to_bytes(8, "big")).digest()[:9]


def key_of(text):
    return hashlib.sha256(text.encode()).digest()[:16]


class Orders:
    """Makes the rows of orders: of each member the next numbers, bodies as long as those of an order with one line."""

    def __init__(self, members):
        self.rng = random.Random(7)
        self.made = [0] * members
        self.count = 0

    def batch(self, members):
        rows = {"listed": [], "accounts": {}, "lots": [], "orders": [], "entries": []}
        for member in members:
            self.made[member] += 1
            self.count += 1
            number, owner, at = self.made[member], owner_of(member), NOW + self.count * 1_000
            reference = f"W{self.count:010}"
            rows["listed"].append((key_of(reference), owner, 2, 1, number))
            points = 50 * number
            rows["accounts"][owner] = (points, points, at, number + 1, number + 1, number + 1, owner)
            rows["lots"].append((owner, (at + 366 * DAY) // DAY * DAY, at, number, number, 50))
            rows["orders"].append((owner, number, reference, DATE, self.rng.randbytes(35), self.rng.randbytes(12)))
            rows["entries"].append((owner, number, at, DATE, number, self.rng.randbytes(40)))
        rows["accounts"] = list(rows["accounts"].values())
        return {kind: sorted(values, key=lambda it: it[-1] if kind == "accounts" else it) for kind, values in rows.items()}


def write(connection, rows):
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(LISTED, rows["listed"])
    connection.executemany(POSTED, rows["accounts"])
    connection.executemany(LOT, rows["lots"])
    connection.executemany(ORDER, rows["orders"])
    connection.executemany(ENTRY, rows["entries"])
    connection.execute(TOTALS, (DATE, len(rows["orders"]), 50 * len(rows["orders"])))
    connection.execute("COMMIT")


def prepare(path, orders, members):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -500000")
    connection.executescript(SCHEMA.read_text())
    connection.execute("BEGIN")
    owners = [owner_of(it) for it in range(members)]
    connection.executemany("INSERT INTO members (owner_id, created_at) VALUES (?, ?)", ((it, NOW) for it in owners))
    listed = sorted((key_of(f"{kind} {it}"), owner, 1, 0, 0) for it, owner in enumerate(owners) for kind in "ab")
    connection.executemany(LISTED, listed)
    accounts = ((it, 0, 0, NOW, 1, 1, 1, NOW + 300 * DAY) for it in owners)
    connection.executemany(ACCOUNT, accounts)
    connection.execute("COMMIT")
    for share in range(4):
        write(connection, orders.batch(it for it in range(members) if orders.rng.random() < 0.5))
    connection.close()


class Checkpoints:
    """Copies the log back beside the writer, which lets it start over when little is left."""

    def __init__(self, path):
        self.path = path
        self.wake, self.little_left, self.ended = threading.Event(), threading.Event(), False
        self.thread = threading.Thread(target=self.copy)
        self.thread.start()

    def copy(self):
        connection = connect(self.path)
        while self.wake.wait() and not self.ended:
            self.wake.clear()
            busy, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and pages - copied <= 3_000:
                self.little_left.set()

    def after_commit(self, connection):
        if os.path.getsize(self.path + "-wal") < CHECKPOINT_PAGES * 4_120:
            return
        if self.little_left.is_set():
            self.little_left.clear()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            self.wake.set()

    def end(self):
        self.ended = True
        self.wake.set()
        self.thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--dir", help="where the database is made; a temporary folder if left out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        path = os.path.join(folder, "floor.db")
        orders = Orders(args.members)
        prepare(path, orders, args.members)
        connection = connect(path)
        checkpoints = Checkpoints(path)
        took, done = 0.0, 0
        while done < args.orders:
            rows = orders.batch([orders.rng.randrange(args.members) for _ in range(args.batch)])
            began = time.perf_counter()
            write(connection, rows)
            checkpoints.after_commit(connection)
            took += time.perf_counter() - began
            done += args.batch
        checkpoints.end()
        connection.close()
        print(json.dumps({
            "members": args.members, "orders": done, "orders_per_s": round(done / took),
            "sqlite": sqlite3.sqlite_version, "file_bytes": os.path.getsize(path),
        }))


if __name__ == "__main__":
    main()
