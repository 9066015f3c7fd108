//! A stand-in for the 資格確認端末, for demonstrations and tests.
//!
//! It owns the folders `req/`, `res/` and `face/` below one root: it takes the requests of every function out of
//! `req/`, answers them in `res/`, and drops face files as people of a small invented town come to the desk. Behind
//! it stands a [`Centre`], which terminals of a group may share: it knows people, tickets, consents, 照会番号 and
//! jobs. [`Knobs`] make terminal and centre behave as badly as those in the field do.
//!
//! It shares no line of reading or writing with the hub: what both get wrong in the same way would
//! never be found. So it depends on no other crate of this workspace, and never will.
//!
//! Time is the clock's that it is lent: calendar, 受付番号 and jobs follow it, so a month passes as fast as the clock
//! says ([`StandingClock`], [`accelerated`]). Only waiting before an answer (`latency-ms`, `late-ms`) is real.
//!
//! To add a situation: a person in [`town()`], and a step in `src/day.toml` if the demonstration should show it.
//! To add a misbehaviour: a knob in `knobs.rs`. To add a function: its name in `function.rs`, its answer in
//! `answering.rs`. Scenario files are TOML or YAML.

mod answer;
mod answering;
mod bulk;
mod calendar;
mod centre;
mod clock;
mod config;
mod decode;
mod element;
mod folder;
mod function;
mod knobs;
mod medical;
mod memory;
mod number;
mod pack;
mod person;
mod population;

mod registration;
mod residents;
mod run;
mod scenario;
mod town;
mod tree;

pub use answer::{Answered, render_answer, render_face};
pub use centre::Centre;
pub use clock::{StandingClock, accelerated};
pub use config::{SimulatorOptions, TicketShown, WallClock};
pub use decode::{Question, QuestionError, read_question};
pub use folder::Folders;
pub use knobs::{
    BulkForm, BulkInsurance, BulkMistake, BulkOrder, BulkUnits, Calendar, CharacterCode,
    CombinedOrder, ConsentCheck, Consents, Encoding, Interfaces, KnobError, Knobs, Medical, Names,
    NotCommissionedForm, Numbers, Order, ReceptionPlace, Silence, Spelling, Tickets, Writing,
};
pub use number::{check_digit, institution_code, payer_number, recipient_number};
pub use person::{Assistance, Insurance, Person, Standing, TicketPlan, TreatmentType};
pub use residents::{Resident, residents};
pub use run::{Simulator, SimulatorError};
pub use scenario::{Means, Scenario, ScenarioError, Step, When};
pub use town::{INSTITUTION, OFFICE, OTHER_INSTITUTION, stranger, town};
