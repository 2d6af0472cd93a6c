//! Law 7: the same commands give every member the same entries in a file and in PostgreSQL, byte for byte in the export.

use crate::batches::{draw_history, opened, same};
use crate::crash::Random;
use crate::limits::export;
use crate::place::in_file;
use crate::shop::Shop;
use crate::store::{together, verified};

const HISTORIES: u64 = 6;

#[test]
fn the_same_commands_give_the_same_entries_in_a_file_and_on_a_server() {
    let mut random = Random::new();
    for document in
        ["plain", "converts owe", "rewards owe", "launch owe", "steps", "lively", "capped waits", "catalogue owe"]
    {
        for _ in 0..HISTORIES {
            let many = random.within(40..=120);
            let commands = draw_history(&mut random, many);
            let (on_server, in_file) = (Shop::in_order(), in_file());
            let answers = [&on_server, &in_file].map(|shop| together(&opened(shop, document), commands.clone()));
            assert_eq!(answers[0], answers[1]);
            same(&export(&on_server), &export(&in_file));
            verified(&on_server);
            verified(&in_file);
        }
    }
}
