//! Whether what is kept follows from the entries.

use super::super::backend::replay_differs;
use super::{EngineBackend, Kept};

impl Kept {
    pub(super) fn differs(&self) -> Option<String> {
        let Self { account, entries, credit, certificates, .. } = self;
        let of_credit = || account.purse.as_ref().and_then(|it| replay_differs(&it.credit, credit));
        let of_certificates = || account.wallet.as_ref().and_then(|it| replay_differs(&it.ledger, certificates));
        replay_differs(account, entries).or_else(of_credit).or_else(of_certificates)
    }
}

impl EngineBackend {
    pub(super) fn verify_bearers(&self) -> Option<String> {
        self.bearers.iter().find_map(|it| replay_differs(&it.ledger, &it.entries))
    }
}
