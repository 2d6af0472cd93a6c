//! What belongs to somebody or something belongs to what is there.

use super::{Check, Compared, Ended};

impl Check<'_> {
    /// No foreign key leads to reference data: what they would hold is looked at here.
    pub(super) fn owners(&self) -> Compared<()> {
        for (what, select) in [
            (
                "an account belongs to nobody",
                "SELECT 1 FROM accounts AS a WHERE NOT EXISTS (SELECT 1 FROM members WHERE members.owner_id = a.owner_id)",
            ),
            (
                "an account is in no program",
                "SELECT 1 FROM accounts AS a WHERE program < 4261412864
                AND NOT EXISTS (SELECT 1 FROM versions WHERE versions.program = a.program)",
            ),
            (
                "a version has no program",
                "SELECT program FROM versions WHERE program NOT IN (SELECT number FROM programs)",
            ),
            (
                "a channel sells under no program",
                "SELECT number FROM channels WHERE program NOT IN (SELECT number FROM programs)",
            ),
            (
                "an order was sold in no channel",
                "SELECT 1 FROM orders AS o WHERE NOT EXISTS (SELECT 1 FROM channels WHERE number = o.channel)",
            ),
            (
                "an order without a member was sold in no channel",
                "SELECT 1 FROM guests AS g WHERE NOT EXISTS (SELECT 1 FROM channels WHERE number = g.channel)",
            ),
            (
                "a member that was merged leads to nobody",
                "SELECT 1 FROM members AS m WHERE merged_into IS NOT NULL AND NOT EXISTS (SELECT 1 FROM merges
                WHERE merges.owner_id = m.merged_into AND member_id = m.owner_id AND undone_at IS NULL)",
            ),
            (
                "a member that was merged has something left",
                "SELECT 1 FROM accounts AS a WHERE (pending <> 0 OR available <> 0 OR held <> 0 OR owed <> 0)
                AND EXISTS (SELECT 1 FROM members WHERE members.owner_id = a.owner_id AND merged_into IS NOT NULL)",
            ),
            (
                "a merge leads to a member that is one of its own",
                "SELECT 1 FROM merges AS m WHERE undone_at IS NULL
                AND EXISTS (SELECT 1 FROM members WHERE members.owner_id = m.owner_id AND merged_into IS NULL)
                AND NOT EXISTS (SELECT 1 FROM members WHERE members.owner_id = m.member_id AND merged_into = m.owner_id)",
            ),
            (
                "something is said of a card that nobody has",
                "SELECT 1 FROM cards AS c WHERE NOT EXISTS (SELECT 1 FROM identities
                WHERE identities.owner_id = c.owner_id AND kind = 2 AND identities.value = c.value)",
            ),
            ("a hold is neither open nor closed", "SELECT closed FROM holds WHERE closed NOT IN (0, 1)"),
        ] {
            if self.conn.prepare_cached(select)?.exists([])? {
                return Err(Ended::Difference(what.to_owned()));
            }
        }
        Ok(())
    }
}
