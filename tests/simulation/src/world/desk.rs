//! A person at a desk: asks the centre about tickets, and settles what stays uncertain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use shikaku_broker::Outgoing;
use shikaku_schemas::command::CommandReply;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::World;
use crate::server::Server;
use crate::town::{FACILITIES, PAYER, recipient_number};

/// How long somebody waits before asking again.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so many times without an answer somebody gives up.
const TIMES: u32 = 8;
const ENDS: [&str; 5] = ["answered", "rejected", "timed-out", "uncertain", "resolved"];

/// What the desks heard from the hub.
#[derive(Debug, Clone, Default)]
pub struct Desks(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// Commands that are still being given.
    giving: u64,
    /// What each command came to.
    done: BTreeMap<Uuid, BTreeSet<Uuid>>,
    resolved: BTreeSet<String>,
}

impl Desks {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Somebody asks about a ticket, or resolves what is uncertain.
    pub(super) fn at_a_desk(&mut self) {
        let dice = &self.sky.dice;
        let facility = *dice.pick(&FACILITIES);
        let uncertain: Vec<String> = self
            .inquiries()
            .into_iter()
            .filter(|(_, kinds)| kinds.contains("uncertain"))
            .map(|(inquiry, _)| inquiry)
            .filter(|inquiry| !self.desks.heard().resolved.contains(inquiry))
            .collect();
        let resolves = dice.per_mille(300) && !uncertain.is_empty();
        let (kind, arguments) = match resolves {
            true => {
                let inquiry = dice.pick(&uncertain).clone();
                self.desks.heard().resolved.insert(inquiry.clone());
                let arguments = json!({ "inquiry": inquiry, "note": "by telephone" });
                ("resolve-inquiry", arguments)
            }
            false => {
                let person = dice.below(5);
                let arguments = json!({
                    "facility": facility, "payer_number": PAYER,
                    "recipient_number": recipient_number(person),
                    "birth_date": format!("{}-05-01", 1930 + person),
                    "patient": null, "on": "2026-05-11", "purpose": "reception",
                });
                ("inquire-ticket", arguments)
            }
        };
        self.gives(facility, kind, &arguments);
    }

    /// Somebody gives a command.
    pub(super) fn gives(&self, facility: &str, kind: &str, arguments: &Value) {
        let dice = &self.sky.dice;
        let id = Uuid::from_u128((u128::from(dice.next()) << 64) | u128::from(dice.next()));
        let command = json!({
            "command_id": id, "by": "desk", "command": kind, "arguments": arguments,
        });
        self.sky.tell(format!("a desk of {facility} gives {kind}"));
        let message = Outgoing {
            subject: format!("shikaku.cmd.{facility}.{kind}"),
            headers: Default::default(),
            payload: command.to_string().into(),
        };
        self.desks.heard().giving += 1;
        tokio::spawn(give(self.server.clone(), message, id, self.desks.clone()));
    }

    /// Whether a command is still being given.
    pub(super) fn is_giving(&self) -> bool {
        self.desks.heard().giving > 0
    }

    /// What happened to each inquiry.
    fn inquiries(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in self.database.events() {
            let stream = event.head.stream.to_string();
            let kind = event.head.kind.strip_prefix("inquiry-");
            if let (Some(inquiry), Some(kind)) = (stream.strip_prefix("inquiry-"), kind) {
                let kinds = all.entry(inquiry.to_owned()).or_default();
                kinds.insert(kind.to_owned());
            }
        }
        all
    }

    /// A command or an inquiry that has no end yet.
    pub(super) fn unanswered(&self) -> Option<String> {
        if self.is_giving() {
            return Some("a command".to_owned());
        }
        let is_open = |kinds: &BTreeSet<String>| !ENDS.iter().any(|end| kinds.contains(*end));
        let mut inquiries = self.inquiries().into_iter();
        let open = inquiries.find(|(_, kinds)| is_open(kinds));
        open.map(|(inquiry, kinds)| format!("inquiry {inquiry}: {kinds:?}"))
    }

    /// Once all is quiet: each command came to one thing, and that is there.
    pub(super) fn desks_agree(&self) {
        let inquiries = self.inquiries();
        let count = inquiries.len() as u64;
        self.checker.asked("every inquiry has an end", count);
        let given = self.desks.heard().done.len() as u64;
        self.checker
            .asked("each command came to one inquiry", given);
        for (command, ids) in &self.desks.heard().done {
            // Nor is an inquiry missed that a restore took.
            let is_whole = self.checker.restores() == 0;
            let lost = |id: &Uuid| {
                is_whole && !inquiries.contains_key(&id.to_string()) && !self.was_a_case(*id)
            };
            if ids.len() > 1 || ids.iter().any(lost) {
                let what = format!("command {command} came to {ids:?}, or to nothing");
                self.sky.story.broken(self.sky.millis(), what);
            }
        }
    }
}

/// Gives a command until it is answered, and sometimes once more.
async fn give(server: Server, message: Outgoing, command: Uuid, desks: Desks) {
    let sky = server.sky.clone();
    for _ in 0..TIMES {
        let (inbox, answer) = server.inbox();
        if server.is_up() {
            server.say(message.clone(), Some(inbox));
        }
        let answer = timeout(PATIENCE, answer).await.ok().and_then(Result::ok);
        let reply = answer.and_then(|bytes| serde_json::from_slice::<CommandReply>(&bytes).ok());
        let is_final = match reply {
            Some(CommandReply::Done { id: Some(id), .. }) => {
                desks.heard().done.entry(command).or_default().insert(id);
                true
            }
            Some(CommandReply::Done { id: None, .. } | CommandReply::Refused { .. }) => true,
            Some(CommandReply::Unavailable { .. }) | None => false,
        };
        if is_final && !sky.dice.per_mille(200) {
            break;
        }
        sleep(Duration::from_millis(sky.dice.from_to(200, 3000))).await;
    }
    desks.heard().giving -= 1;
}
