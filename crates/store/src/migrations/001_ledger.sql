-- The ledger, its directory and what all commands read. Times are microseconds since 1970, days are those of the
-- program's zone. Rows of what belongs to a member begin with its id, so that what belongs together lies together.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Reference: what all commands read. Small, cached, and raised together with meta's epoch.
CREATE TABLE programs (
    number INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE versions (
    program INTEGER NOT NULL,
    number INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (program, number)
) STRICT;

CREATE TABLE switches (
    program INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_on INTEGER NOT NULL,
    PRIMARY KEY (program, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
    number INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    program INTEGER NOT NULL
) STRICT;

-- API keys: of the secret only its SHA-256 and its last characters. Scopes are bits.
CREATE TABLE keys (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Signing in: 1 a link that opens one session, 2 a session. Of each only the SHA-256.
CREATE TABLE tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Directory: who was first. The key is the first half of a SHA-256.
CREATE TABLE directory (
    key BLOB NOT NULL PRIMARY KEY,
    owner_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    program INTEGER NOT NULL,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
    key BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    at INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Personal data live in these three tables alone.
CREATE TABLE members (
    owner_id BLOB NOT NULL PRIMARY KEY,
    name TEXT,
    created_at INTEGER NOT NULL,
    merged_into BLOB,
    parked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Members whose settling panicked: the sweeper leaves them out. Empty as a rule.
CREATE INDEX members_parked ON members (owner_id) WHERE parked <> 0;

CREATE TABLE identities (
    owner_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner_id, kind, value)
) STRICT, WITHOUT ROWID;

-- For the search: capitals do not count, and a beginning is enough.
CREATE INDEX identities_value ON identities (lower(value), owner_id);

-- The words of names, in small letters.
CREATE TABLE name_words (
    word TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (word, owner_id)
) STRICT, WITHOUT ROWID;

-- Ledger: a row belongs to one owner.
CREATE TABLE accounts (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    available INTEGER NOT NULL,
    held INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    let_go INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    redeemed INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    deducted INTEGER NOT NULL,
    converted INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    forfeited INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    next_entry INTEGER NOT NULL,
    next_lot INTEGER NOT NULL,
    next_order INTEGER NOT NULL,
    next_hold INTEGER NOT NULL,
    carried BLOB,
    due_at INTEGER,
    PRIMARY KEY (owner_id, program)
) STRICT, WITHOUT ROWID;

CREATE INDEX accounts_due ON accounts (due_at, owner_id, program) WHERE due_at IS NOT NULL;

-- phase: 0 waiting, sorted by the next change; 1 with available or held points, sorted by expiry; 2 closed.
-- available_at is left out when it is earned_at, expires_at when it is sort_at.
CREATE TABLE lots (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    sort_at INTEGER NOT NULL,
    earned_at INTEGER NOT NULL,
    lot_no INTEGER NOT NULL,
    order_no INTEGER,
    available_at INTEGER,
    expires_at INTEGER,
    graced INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    available INTEGER NOT NULL,
    held INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    PRIMARY KEY (owner_id, program, phase, sort_at, earned_at, lot_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    entry_no INTEGER NOT NULL,
    at INTEGER NOT NULL,
    biz_date TEXT NOT NULL,
    kind INTEGER NOT NULL,
    order_no INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (owner_id, program, entry_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    order_no INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    reference TEXT NOT NULL,
    biz_date TEXT NOT NULL,
    document BLOB NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (owner_id, program, order_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    hold_no INTEGER NOT NULL,
    lapses_at INTEGER NOT NULL,
    taken_by INTEGER,
    points INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (owner_id, program, closed, hold_no)
) STRICT, WITHOUT ROWID;

-- Sums over the entries of a day; channel 0 is what no order caused. Program 0 counts who signed up on a day in UTC.
CREATE TABLE totals (
    program INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    day TEXT NOT NULL,
    slot INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    earned INTEGER NOT NULL,
    added INTEGER NOT NULL,
    redeemed INTEGER NOT NULL,
    returned INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    regranted INTEGER NOT NULL,
    repaid INTEGER NOT NULL,
    deducted INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    let_go INTEGER NOT NULL,
    signed_up INTEGER NOT NULL,
    PRIMARY KEY (program, channel, day, slot)
) STRICT, WITHOUT ROWID;
