//! Worked examples of every operation: requests and the answers to them, one file each, in the order of a shop's first day.
//!
//! A test sends them one after the other to a new server and compares; the description of the API shows them.

use serde::Deserialize;
use serde_json::Value;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("examples/", $name, ".json")))),*]
    };
}

const FILES: &[(&str, &str)] = &files![
    "01-health",
    "02-ready",
    "03-openapi",
    "04-try_draft",
    "05-try_draft-wrong_field",
    "06-add_program",
    "07-list_programs",
    "08-get_program",
    "09-add_channel",
    "10-list_channels",
    "11-get_channel",
    "12-add_key",
    "13-list_keys",
    "14-sign_up",
    "15-sign_up-again",
    "16-sign_up-without_a_key",
    "17-get_member",
    "18-search_members",
    "19-change_member",
    "20-add_identity",
    "21-remove_identity",
    "22-put_order-placed",
    "23-put_order-paid",
    "24-put_order-retry",
    "25-put_order-stale",
    "26-put_order-version_conflict",
    "27-put_order-wrong_field",
    "28-get_order",
    "29-quote",
    "30-put_order-insufficient_points",
    "31-put_order-redeem",
    "32-hold",
    "33-list_holds",
    "34-release_hold",
    "35-put_order-partial_refund",
    "36-put_order-cancelled",
    "37-list_accounts",
    "38-get_account",
    "39-get_account-before",
    "40-list_expiries",
    "41-list_lots",
    "42-list_orders",
    "43-list_entries",
    "44-adjust",
    "45-adjust-same_key_other_request",
    "46-list_entries-newest",
    "47-add_version",
    "48-list_versions",
    "49-switch_program",
    "50-list_days",
    "51-adjust_credit",
    "52-put_order-credit",
    "53-put_order-insufficient_credit",
    "54-list_credit",
    "55-list_credit_entries",
    "56-put_return",
    "57-put_return-unknown_order",
    "58-put_return-without_its_order",
    "59-get_return",
    "60-revoke_key",
    "61-redate-preview",
    "61-redate",
    "62-reinstate",
    "63-act",
    "64-add_program-tiers",
    "65-set_tier",
    "66-put_order-without_a_member",
    "67-claim_order",
    "68-change_channel",
    "69-redate_many",
    "70-issue_certificates",
    "71-list_certificates",
    "72-quote-certificates",
    "73-put_order-certificates",
    "74-get_certificate",
    "75-cancel_certificates",
    "76-put_order-certificate_cancelled",
    "77-list_certificate_entries",
    "78-close",
    "79-join",
    "80-close_many",
    "81-join_many",
    "82-sign_up-second_card",
    "83-merge_members",
    "84-undo_merge",
    "85-add_program-rewards",
    "86-adjust-rewards",
    "87-collect_many-preview",
    "88-collect",
    "89-collect_many",
    "90-add_card",
    "91-list_cards",
    "92-change_card",
    "93-hold-card_blocked",
    "94-replace_card",
    "95-get_card",
    "96-delete_card",
    "97-export_person",
    "98-erase_person",
    "99-metrics",
    "100-add_program-catalogue",
    "101-sign_up-catalogue",
    "102-adjust-catalogue",
    "103-list_catalogue",
    "104-claim_reward",
    "105-claim_reward-coupon",
    "106-claim_reward-reward_limit",
    "107-claim_reward-insufficient_points",
    "108-list_claims",
    "109-list_waiting_claims",
    "110-fulfil_claim",
    "111-cancel_claim",
    "112-fulfil_claim-claim_cancelled",
    "120-get_claim",
    "121-import_members-try",
    "122-import_members",
    "123-import_members-undo",
    "124-issue_bearer_certificates",
    "125-quote-bearer_certificate",
    "126-put_order-bearer_certificate",
    "127-list_bearer_certificates",
    "128-sign_up-somebody_else",
    "129-put_order-certificate_claimed",
];

/// The examples with their names.
///
/// # Panics
/// When a file is no example: a test reads them all.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Example)> {
    FILES.iter().map(|(name, text)| (*name, serde_json::from_str(text).expect("tests read every example")))
}

/// A request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// The operation's id.
    pub(crate) operation: String,
    /// The time of day at which it is sent; left out: a minute after the one before.
    #[serde(default, rename = "at")]
    pub(crate) _at: Option<String>,
    pub(crate) request: ExampleRequest,
    pub(crate) response: ExampleResponse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default, rename = "headers")]
    pub(crate) _headers: Option<Value>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleResponse {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}
