//! What a business scenario of the operation test (guide 5.4) is made of. The scenarios themselves stand in
//! `scenarios.rs`.

use shikaku_schemas::value::{ConsentScope, Coverage, Method, TicketKind, Validity};

use crate::words::Words;

/// One business scenario.
#[derive(Debug)]
pub struct Scenario {
    /// Its id in reports.
    pub id: &'static str,
    /// The guide's section or figure.
    pub section: &'static str,
    /// What it is.
    pub title: Words,
    /// In order.
    pub steps: &'static [Step],
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What is done.
    pub title: Words,
    /// How.
    pub action: Action,
    /// What must be seen.
    pub expected: Expected,
}

/// What is done, with people named by their id in the test data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A person does it at the reader or the desk.
    Person,
    /// A face file of somebody came in today.
    Face(&'static str),
    /// A ticket inquiry with the numbers typed.
    TicketByNumbers(&'static str),
    /// A ticket inquiry from the chart.
    TicketByChart(&'static str),
    /// 一括照会 of several.
    Bulk(&'static [&'static str]),
    /// 委託先資格情報の一括取得 of the present month.
    Commissioned,
    /// 照会番号の登録.
    Register(&'static str),
    /// Medical information is asked for.
    Medical(&'static str, ConsentScope),
    /// What came of it is looked at.
    View(&'static str, ConsentScope),
}

/// What must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A person attests it.
    Attested,
    /// An answer of this validity; of this coverage too where it is named.
    Answer(Validity, Option<Coverage>),
    /// A valid answer about somebody who was not known before.
    NewPatient,
    /// A valid answer with a ticket of this kind.
    Ticket(TicketKind),
    /// A job whose result came whole, with so many units.
    Units(u32),
    /// A job whose result came whole, and not without tickets.
    Tickets,
    /// The centre took it.
    Registered,
    /// It is held as chart record.
    Held,
    /// It can be read, or opened where it is a PDF.
    Shown,
}

/// By which method a face file counts.
pub const FACE_METHOD: Method = Method::Card;

/// Words.
pub(super) const fn w(ja: &'static str, en: &'static str) -> Words {
    Words { ja, en }
}

/// A step.
pub(super) const fn step(title: Words, action: Action, expected: Expected) -> Step {
    Step {
        title,
        action,
        expected,
    }
}

/// What a person does and attests.
pub(super) const fn person(ja: &'static str, en: &'static str) -> Step {
    step(w(ja, en), Action::Person, Expected::Attested)
}

/// What the reader leaves behind.
pub(super) const fn face(
    who: &'static str,
    validity: Validity,
    coverage: Option<Coverage>,
) -> Step {
    step(
        w("資格情報がハブに届く", "the face file reaches the hub"),
        Action::Face(who),
        Expected::Answer(validity, coverage),
    )
}

/// An inquiry by the numbers of a ticket.
pub(super) const fn ticket(who: &'static str, expected: Expected) -> Step {
    step(
        w(
            "公費負担者番号・受給者番号・生年月日で照会",
            "inquiry by the ticket's numbers",
        ),
        Action::TicketByNumbers(who),
        expected,
    )
}

/// Medical information is asked for.
pub(super) const fn medical(who: &'static str, scope: ConsentScope) -> Step {
    step(
        w("閲覧を要求し、受信する", "request and receive"),
        Action::Medical(who, scope),
        Expected::Held,
    )
}

/// What came is looked at.
pub(super) const fn view(who: &'static str, scope: ConsentScope) -> Step {
    step(
        w(
            "閲覧する（目的を記録）",
            "look at it; the purpose is logged",
        ),
        Action::View(who, scope),
        Expected::Shown,
    )
}

/// The consent that medical information needs.
pub(super) const CONSENT: Step = person(
    "顔認証付きカードリーダーで薬剤・診療・健診情報の提供に同意する",
    "consent to drugs, treatments and check-ups at the reader",
);
