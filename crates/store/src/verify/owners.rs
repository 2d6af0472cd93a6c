//! What belongs to somebody or something belongs to what is there.

use super::{Check, Compared, Ended};

impl Check<'_> {
    /// No foreign key leads to reference data: what they would hold is looked at here.
    pub(super) fn owners(&self) -> Compared<()> {
        for (what, select) in [
            (
                "an account belongs to nobody",
                "SELECT owner_id FROM accounts WHERE owner_id NOT IN (SELECT owner_id FROM members)",
            ),
            (
                "an account is in no program",
                "SELECT program FROM accounts WHERE program < 4261412864 AND program NOT IN (SELECT program FROM versions)",
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
                "SELECT channel FROM orders WHERE channel NOT IN (SELECT number FROM channels)",
            ),
            (
                "an order without a member was sold in no channel",
                "SELECT channel FROM guests WHERE channel NOT IN (SELECT number FROM channels)",
            ),
            (
                "a member that was merged leads to nobody",
                "SELECT 1 FROM members AS m WHERE merged_into IS NOT NULL AND NOT EXISTS (SELECT 1 FROM merges
                WHERE merges.owner_id = m.merged_into AND member_id = m.owner_id AND undone_at IS NULL)",
            ),
            (
                "a merge leads to a member that is one of its own",
                "SELECT 1 FROM merges AS m WHERE undone_at IS NULL
                AND EXISTS (SELECT 1 FROM members WHERE members.owner_id = m.owner_id AND merged_into IS NULL)
                AND NOT EXISTS (SELECT 1 FROM members WHERE members.owner_id = m.member_id AND merged_into = m.owner_id)",
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
