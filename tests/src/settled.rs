//! Waiting until a [`Town`]'s answers are recorded and told, and asking everything that can be asked then.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::centre::Centre;
use crate::checker::{REST, whole};
use crate::count::Counts;
use crate::desk::Done;
use crate::feed::{Message, each_once};
use crate::folder::files_below;
use crate::hub::Hub;
use crate::judge::Seen;
use crate::town::Town;
use crate::until;
use crate::wait::within;
use crate::words::objects;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Answers and words.
    pub counts: Counts,
    /// Everything else that is not as it must be.
    pub broken: Vec<String>,
    /// How many inquiries came to each of their ends.
    pub inquiries: BTreeMap<String, usize>,
    /// How many requests the terminals took.
    pub asked: usize,
}

/// Waits until nothing is missing any more, within [`REST`], and judges what then holds. Rules that every ledger and
/// every feed keeps are asserted on the way. `receipt` and `ward` give what came to a
/// consumer of each feed.
#[track_caller]
pub fn settled(
    hub: &Hub,
    town: &Town,
    centre: &Centre<'_>,
    done: &Done,
    [receipt, ward]: &[impl Fn() -> Vec<Message>; 2],
) -> Found {
    let mut log: Vec<Value> = Vec::new();
    let judged = |log: &[Value], ward: &[Message]| {
        let (answers, asked) = (town.answers(), centre.asked());
        let seen = Seen {
            answers: &answers,
            asked: &asked,
            done,
            log,
            ward,
        };
        let mut broken = seen.broken();
        let open = seen.open();
        broken.extend(open.iter().map(|inquiry| format!("open: {inquiry}")));
        let found = Found {
            counts: seen.counts(),
            broken,
            inquiries: seen.ends(),
            asked: asked.len(),
        };
        (open.is_some() || found.counts.lost > 0, found)
    };
    within(REST, || {
        let quiet = centre.is_quiet();
        log.extend(hub.log_after(log.len() as u64));
        let (waits, _) = judged(&log, &in_order(&ward()));
        (quiet && !waits).then_some(())
    });
    whole(hub, &hub.log());
    let (_, found) = judged(&hub.log(), &each_once(&ward()));
    each_once(&receipt());
    set_aside(hub, town);
    let folders =
        ["t1/req", "t1/res", "t2"].map(|folder| hub.terminal("t1").root.join("..").join(folder));
    until("nothing of ours is left in a folder", || {
        let left = folders.iter().flat_map(|folder| files_below(folder));
        (left.count() == 0).then_some(())
    });
    found
}

/// By number; what comes again counts once.
fn in_order(messages: &[Message]) -> Vec<Message> {
    let numbered = messages
        .iter()
        .map(|message| (message.sequence(), message.clone()));
    let numbered: BTreeMap<u64, Message> = numbered.collect();
    numbered.into_values().collect()
}

/// What nobody can read is set aside, and nothing else.
#[track_caller]
fn set_aside(hub: &Hub, town: &Town) {
    let expected = town.garbage();
    until(&format!("{expected} files are set aside"), || {
        let parked = hub.ok(&["parked", "list", "--json"]).json();
        let reasons = objects(&parked, &|object: &Value| object["reason"].is_string());
        (reasons.len() == expected).then_some(())
    });
}
