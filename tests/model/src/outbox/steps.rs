//! What protects it, and where the code does each action.

use super::Action::{
    CrashApplier, CrashPublisher, DeliverWithGap, GiveUp, LoseDatabase, Upgrade, Wipe,
};
use super::{Action, Guard, Outbox, State, TOLD};
use crate::protocol::{Protocol, Refuted, Step, code, world};

const PROJECTION: &str = "projections/models/src/projection.rs";
const APPLY: &str = "projections/models/src/apply.rs";
const PUBLISH: &str = "projections/models/src/publish.rs";
const PLACE: &str = "projections/models/src/publish/place.rs";
const SCHEMA: &str = "projections/models/src/store/schema.rs";
const STORE: &str = "projections/models/src/store/mod.rs";

impl Protocol for Outbox {
    type Guard = Guard;

    const GUARDS: &'static [(Guard, Refuted)] = &[
        (
            Guard::FollowsCheckpoint,
            Refuted::Property("16 rows are those of the checkpoint"),
        ),
        (
            Guard::CheckpointUnmoved,
            Refuted::Property("16 rows are those of the checkpoint"),
        ),
        (Guard::OneTransaction, Refuted::Recovery),
        (
            Guard::OneTransaction,
            Refuted::Property("5 a number means one message for ever"),
        ),
        (Guard::Gate, Refuted::Property("4 each event is told once")),
        (
            Guard::GateGrows,
            Refuted::Property("4 each event is told once"),
        ),
        (
            Guard::ExpectedSequence,
            Refuted::Property("4 a feed reads 1, 2, 3"),
        ),
        (Guard::MarkLast, Refuted::Recovery),
        (Guard::Compare, Refuted::Property("4 a feed reads 1, 2, 3")),
        (
            Guard::ToldLongSince,
            Refuted::Property("4 a feed reads 1, 2, 3"),
        ),
    ];

    const STEPS: &'static [Step] = &[
        code("Open", SCHEMA, "prepare"),
        code("BeginRebuild", STORE, "begin_rebuild"),
        code("NoteShape", SCHEMA, "prepare"),
        code("Reload", APPLY, "reload"),
        code("Deliver", PROJECTION, "apply"),
        code("Apply", "projections/models/src/store/change.rs", "commit"),
        code("Look", PLACE, "last_told"),
        code("Compare", PUBLISH, "compare"),
        code("Publish", PUBLISH, "send"),
        code("Mark", "projections/models/src/store/outbox.rs", "mark"),
        code("GiveUp", PUBLISH, "publish"),
        world(
            "DeliverWithGap",
            "a consumer of the broker leaves a message out",
        ),
        world(
            "Arrive",
            "the broker takes a message, or refuses it for its expected sequence",
        ),
        world("StraysVanish", "messages are lost with their connection"),
        world("CrashApplier", "kill -9"),
        world("CrashPublisher", "kill -9"),
        world(
            "LoseDatabase",
            "the projection's database is lost while everything is down",
        ),
        world(
            "Wipe",
            "the broker's store is deleted, and its streams are made again",
        ),
        world(
            "Upgrade",
            "a version with another shape of the rows, or back",
        ),
    ];

    fn without(self, guard: Guard) -> Self {
        // Only another instance moves the checkpoint.
        let instances = match guard {
            Guard::CheckpointUnmoved => 2,
            _ => self.instances,
        };
        Self {
            instances,
            without: Some(guard),
            ..self
        }
    }

    fn is_fault(action: &Action) -> bool {
        matches!(
            action,
            DeliverWithGap(_)
                | CrashApplier(_)
                | GiveUp
                | CrashPublisher
                | LoseDatabase
                | Wipe
                | Upgrade
        )
    }

    fn is_settled(&self, state: &State) -> bool {
        let told = (1..)
            .zip(TOLD)
            .filter(|(_, told)| *told)
            .map(|(position, _)| position);
        state.store.checkpoint == TOLD.len()
            && state.feed.iter().map(|message| message.position).eq(told)
            && state.store.pending().is_empty()
    }
}
