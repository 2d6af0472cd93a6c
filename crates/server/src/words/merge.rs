//! Merges and their undo in words.

use engine::{Bucket, Entry, Merged, Points};

use super::voice::Voice;

/// What came with a merge, went with it, or comes back with its undo.
pub(super) fn merged(entry: &Entry, voice: &Voice) -> String {
    let sum = |bucket: fn(&engine::Posting) -> Bucket| {
        let moved = entry.postings.iter().filter(|it| bucket(it) == Bucket::Moved);
        moved.map(|it| it.points).sum::<Points>()
    };
    let (came, went) = (sum(|it| it.from), sum(|it| it.to));
    match entry.changes.merged.as_deref() {
        Some(Merged::Came { .. }) => {
            format!("another member was merged into this one: {} came along", voice.points(came))
        }
        Some(Merged::Went) => format!("merged into another member: {} went there", voice.points(went)),
        Some(Merged::Parted(_)) => {
            format!("the merge with another member was undone: {} went back to them", voice.points(went))
        }
        Some(Merged::Returned(_)) => {
            format!("the merge with another member was undone: {} came back", voice.points(came))
        }
        None => given_back(entry, came, voice),
    }
}

/// What each had used of the other's.
fn given_back(entry: &Entry, came: Points, voice: &Voice) -> String {
    let owed = entry.changes.owed;
    let back = || format!("{} that the other member had used came back", voice.points(came));
    let used = || format!("{} of the other member had been used and are owed", voice.points(owed));
    match (came.is_positive(), owed.is_positive()) {
        (true, true) => format!("{}; {}", back(), used()),
        (true, false) => back(),
        (false, true) => used(),
        (false, false) => "what was carried over to the next step was divided".to_owned(),
    }
}
