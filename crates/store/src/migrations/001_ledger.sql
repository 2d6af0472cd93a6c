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
    program INTEGER NOT NULL,
    signs_up INTEGER NOT NULL
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

-- Signing in: 1 a link that opens one session, 2 a session. Of each only the SHA-256. The key is the one with which the
-- session was opened, and ends with it; a link has none.
CREATE TABLE tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    key INTEGER
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

-- Personal data live in these four tables alone: members, identities, cards and name_words. A certificate that belongs to nobody
-- has a row in members as well, with an id behind those of all members (it begins with 0xff), and nothing else but when it was made:
-- so its ledger has an owner that can be locked.
CREATE TABLE members (
    owner_id BLOB NOT NULL PRIMARY KEY,
    name TEXT,
    customer_type TEXT,
    birthday TEXT,
    birthday_since INTEGER,
    created_at INTEGER NOT NULL,
    merged_into BLOB,
    erased_at INTEGER,
    parked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Members who were merged into others. The place is that of their numbers in the accounts of the other, `first` that of the
-- member whose merge brought them; what stays cannot be undone, since another merge came behind. `merged_into` of a member leads to whoever it is now.
CREATE TABLE merges (
    owner_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    member_id BLOB NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    stays INTEGER NOT NULL DEFAULT 0,
    undone_at INTEGER,
    PRIMARY KEY (owner_id, place)
) STRICT, WITHOUT ROWID;

-- Members whose settling panicked: the sweeper leaves them out. Empty as a rule.
CREATE INDEX members_parked ON members (owner_id) WHERE parked <> 0;

CREATE TABLE identities (
    owner_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner_id, kind, value)
) STRICT, WITHOUT ROWID;

-- What is said of cards, which are identities: most have no row. That a card is blocked stands in the directory as well.
CREATE TABLE cards (
    owner_id BLOB NOT NULL,
    value TEXT NOT NULL,
    label TEXT,
    blocked_at INTEGER,
    note TEXT,
    replaced_by TEXT,
    PRIMARY KEY (owner_id, value)
) STRICT, WITHOUT ROWID;

-- For the search: capitals do not count, and a beginning is enough.
CREATE INDEX identities_value ON identities (lower(value), owner_id);

-- The words of names, in small letters.
CREATE TABLE name_words (
    word TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    PRIMARY KEY (word, owner_id)
) STRICT, WITHOUT ROWID;

-- Ledger: one tree, so that what belongs to one owner lies together and an order dirties few pages. The views below are
-- the tables that everybody reads; only what saves names the tree itself.
--
-- | part       | phase            | sort_at, earned_at | no       | at           | due_at     | order_no   | code    |
-- |------------|------------------|--------------------|----------|--------------|------------|------------|---------|
-- | 0 accounts | 0                | 0                  | 0        | last_at      | due_at     | next_order |         |
-- | 1 holds    | 1 when it ended  | 0                  | hold_no  |              | lapses_at  | taken_by   |         |
-- | 2 lots     | 0, 1 or 2, below | what they say      | lot_no   | available_at | expires_at | order_no   | graced  |
-- | 3 orders   | 0                | 0                  | order_no |              |            |            | channel |
-- | 4 entries  | 0                | 0                  | entry_no | at           |            | order_no   | kind    |
-- | 5 years    | 0                | 0                  | year     |              |            |            |         |
-- | 6 converted| 0                | 0                  | credit   |              |            |            |         |
-- | 7 guests   | 0                | 0                  | 0        | recorded_at  |            |            | channel |
-- | 8 codes    | 0                | 0                  | lot_no   |              |            |            |         |
-- | 9 claims   | 1 when it ended  | at, 0              | claim_no |              |            |            |         |
--
-- The owner of a guest, an order without a member, is its key in the directory.
-- What a member has of store credit is an account as well: its program is 0xff and the three letters of the currency, its
-- points are minor units; so are a member's certificates, of which each is a lot: 0xfe and the letters. Their codes are kept
-- encrypted. Of points that were converted, no is the lot of that credit.
-- Of lots, phase 0 waits, sorted by the next change; 1 has available or held points, sorted by expiry; 2 is closed.
-- available_at is left out when it is earned_at, expires_at when it is sort_at. The body of an account is what it carries,
-- and counts in all, that of a hold its lots, that of an order its document, that of a year what its days count; state of an
-- account says how far activity has extended its lots; next_entry of a lot is the entry that gave it dates anew; held of a hold
-- are its points. All other columns say what their
-- names say, and are left out where a part has none. They stand in the order of how many rows have them.
CREATE TABLE ledger (
    owner_id BLOB NOT NULL,
    program INTEGER NOT NULL,
    part INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    sort_at INTEGER NOT NULL,
    earned_at INTEGER NOT NULL,
    no INTEGER NOT NULL,
    at INTEGER,
    order_no INTEGER,
    code INTEGER,
    biz_date TEXT,
    body BLOB,
    reference TEXT,
    state BLOB,
    due_at INTEGER,
    pending INTEGER,
    available INTEGER,
    held INTEGER,
    expired INTEGER,
    owed INTEGER,
    let_go INTEGER,
    issued INTEGER,
    redeemed INTEGER,
    revoked INTEGER,
    deducted INTEGER,
    converted INTEGER,
    forfeited INTEGER,
    moved INTEGER,
    next_entry INTEGER,
    next_lot INTEGER,
    next_hold INTEGER,
    PRIMARY KEY (owner_id, program, part, phase, sort_at, earned_at, no)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_due ON ledger (due_at, owner_id, program) WHERE part = 0 AND due_at IS NOT NULL;

-- Rewards that wait to be handed over, oldest first.
CREATE INDEX ledger_claims ON ledger (program, sort_at, owner_id, no) WHERE part = 9 AND phase = 0;

CREATE VIEW accounts AS
SELECT owner_id, program, pending, available, held, owed, let_go, issued, redeemed, revoked, deducted, converted,
    expired, forfeited, moved, at AS last_at, next_entry, next_lot, order_no AS next_order, next_hold,
    body AS carried, state AS extension, due_at
FROM ledger WHERE part = 0 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0;

CREATE VIEW holds AS
SELECT owner_id, program, phase AS closed, no AS hold_no, due_at AS lapses_at, order_no AS taken_by, held AS points, body
FROM ledger WHERE part = 1 AND sort_at = 0 AND earned_at = 0;

CREATE VIEW lots AS
SELECT owner_id, program, phase, sort_at, earned_at, no AS lot_no, order_no, at AS available_at, due_at AS expires_at,
    code AS graced, pending, available, held, expired, next_entry AS dated_by, forfeited
FROM ledger WHERE part = 2;

CREATE VIEW orders AS
SELECT owner_id, program, no AS order_no, code AS channel, reference, biz_date, body AS document, state
FROM ledger WHERE part = 3 AND phase = 0 AND sort_at = 0 AND earned_at = 0;

CREATE VIEW entries AS
SELECT owner_id, program, no AS entry_no, at, biz_date, code AS kind, order_no, body
FROM ledger WHERE part = 4 AND phase = 0 AND sort_at = 0 AND earned_at = 0;

CREATE VIEW years AS
SELECT owner_id, program, no AS year, body
FROM ledger WHERE part = 5 AND phase = 0 AND sort_at = 0 AND earned_at = 0;

CREATE VIEW conversions AS
SELECT owner_id, program, sort_at AS at, earned_at AS target, no AS lot_no, body
FROM ledger WHERE part = 6 AND phase = 0;

CREATE VIEW guests AS
SELECT owner_id, program, code AS channel, reference, biz_date, body AS document, state, at AS recorded_at
FROM ledger WHERE part = 7 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0;

CREATE VIEW codes AS
SELECT owner_id, program, no AS lot_no, issued AS value, body
FROM ledger WHERE part = 8 AND phase = 0 AND sort_at = 0 AND earned_at = 0;

CREATE VIEW claims AS
SELECT owner_id, program, phase AS ended, sort_at AS at, no AS claim_no, body
FROM ledger WHERE part = 9 AND earned_at = 0;

-- Figures across members: 1 the points that a promotion has given of its budget, by its name; 2 the claims of a reward that were
-- not cancelled, by its name.
CREATE TABLE counters (
    program INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (program, kind, name)
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
    forfeited INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    converted INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    let_go INTEGER NOT NULL,
    signed_up INTEGER NOT NULL,
    PRIMARY KEY (program, channel, day, slot)
) STRICT, WITHOUT ROWID;
