//! The business scenarios of the operation test (guide 5.4), as data: one table, nothing hidden in code.

use shikaku_schemas::value::{ConsentScope, Coverage, Method, Validity};

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
    /// Medical information.
    Medical(&'static str, ConsentScope),
}

/// What must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A person attests it.
    Attested,
    /// An answer of this validity; of this coverage too where it is named.
    Answer(Validity, Option<Coverage>),
    /// A job whose result came whole.
    WholeResult,
    /// The centre took it.
    Registered,
    /// It is held as chart record.
    Held,
}

/// By which method a face file counts.
pub const FACE_METHOD: Method = Method::Card;

const fn w(ja: &'static str, en: &'static str) -> Words {
    Words { ja, en }
}

const fn step(title: Words, action: Action, expected: Expected) -> Step {
    Step {
        title,
        action,
        expected,
    }
}

const fn person(ja: &'static str, en: &'static str) -> Step {
    step(w(ja, en), Action::Person, Expected::Attested)
}

const fn face(who: &'static str, validity: Validity, coverage: Option<Coverage>) -> Step {
    step(
        w("資格情報がハブに届く", "the face file reaches the hub"),
        Action::Face(who),
        Expected::Answer(validity, coverage),
    )
}

const fn ticket(who: &'static str, validity: Validity) -> Step {
    step(
        w(
            "公費負担者番号・受給者番号・生年月日で照会",
            "inquiry by the ticket's numbers",
        ),
        Action::TicketByNumbers(who),
        Expected::Answer(validity, None),
    )
}

const fn medical(who: &'static str, scope: ConsentScope) -> Step {
    step(
        w("閲覧を要求し、受信する", "request and receive"),
        Action::Medical(who, scope),
        Expected::Held,
    )
}

const CONSENT: Step = person(
    "顔認証付きカードリーダーで薬剤・診療・健診情報の提供に同意する",
    "consent to drugs, treatments and check-ups at the reader",
);

/// Every scenario, in the order in which it is run.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "card-face",
        section: "図2.2.1-1",
        title: w(
            "マイナンバーカード：顔認証（PINなし）",
            "My Number card, face authentication",
        ),
        steps: &[
            person(
                "顔認証付きカードリーダーで顔認証する",
                "authenticate by face",
            ),
            face(
                "one-ticket",
                Validity::Valid,
                Some(Coverage::AssistanceOnly),
            ),
        ],
    },
    Scenario {
        id: "card-generic",
        section: "図2.2.1-2",
        title: w(
            "マイナンバーカード：汎用カードリーダー（目視）",
            "My Number card, generic reader",
        ),
        steps: &[person(
            "汎用カードリーダーで目視による本人確認をする",
            "identify by sight at a generic reader",
        )],
    },
    Scenario {
        id: "card-pin",
        section: "図2.2.1-3・-4",
        title: w("マイナンバーカード：PIN認証", "My Number card, PIN"),
        steps: &[person(
            "暗証番号（PIN）で認証する。PINをハブに入力しないこと",
            "authenticate by PIN; never type it into the hub",
        )],
    },
    Scenario {
        id: "ticket-new",
        section: "図2.2.1-5・4.1.1(3)",
        title: w("医療券：新患", "ticket, new patient"),
        steps: &[ticket("one-ticket", Validity::Valid)],
    },
    Scenario {
        id: "ticket-returning",
        section: "図2.2.1-6・4.1.1(3)",
        title: w("医療券：2回目以降", "ticket, returning patient"),
        steps: &[step(
            w("患者番号から照会", "inquiry from the chart"),
            Action::TicketByChart("one-ticket"),
            Expected::Answer(Validity::Valid, None),
        )],
    },
    Scenario {
        id: "bulk",
        section: "図2.2.1-7・4.1.1(6)",
        title: w("一括照会", "bulk inquiry"),
        steps: &[step(
            w(
                "受付番号を取得し、結果を取り込む",
                "reception number, then the whole result",
            ),
            Action::Bulk(&["one-ticket", "two-tickets", "not-commissioned-known"]),
            Expected::WholeResult,
        )],
    },
    Scenario {
        id: "commissioned",
        section: "図2.2.1-9・4.1.1(7)",
        title: w("委託先資格情報の一括取得", "commissioned bulk"),
        steps: &[step(
            w("当月の医療券を取得する", "tickets of the present month"),
            Action::Commissioned,
            Expected::WholeResult,
        )],
    },
    Scenario {
        id: "reference",
        section: "4.1.1(4)",
        title: w("照会番号の登録", "registration of 照会番号"),
        steps: &[step(
            w(
                "患者番号を照会番号として登録する",
                "register the chart number",
            ),
            Action::Register("one-ticket"),
            Expected::Registered,
        )],
    },
    Scenario {
        id: "first-registration",
        section: "図2.2.1-8",
        title: w(
            "利用申込（初回登録）",
            "not registered, then registered at the reader",
        ),
        steps: &[
            person(
                "未登録のカードで、登録がない旨の表示を確認する",
                "an unregistered card is refused",
            ),
            person(
                "カードリーダーで利用申込（初回登録）をする",
                "register at the reader",
            ),
            person(
                "登録したカードで資格確認し、画面に表示される",
                "check again; the desk shows it",
            ),
        ],
    },
    Scenario {
        id: "drug-info",
        section: "2.2.2・4.1.2(1)",
        title: w("薬剤情報の閲覧", "drug information"),
        steps: &[CONSENT, medical("one-ticket", ConsentScope::Drug)],
    },
    Scenario {
        id: "treatment-info",
        section: "2.2.2・4.1.2(1)",
        title: w("診療情報の閲覧", "treatment information"),
        steps: &[CONSENT, medical("one-ticket", ConsentScope::Treatment)],
    },
    Scenario {
        id: "checkup-info",
        section: "2.2.2・4.1.2(1)",
        title: w("健診情報の閲覧", "check-up information"),
        steps: &[CONSENT, medical("one-ticket", ConsentScope::Checkup)],
    },
    Scenario {
        id: "combined",
        section: "図2.2.1-11",
        title: w(
            "医療保険・医療扶助併用",
            "insurance and assistance combined",
        ),
        steps: &[
            person(
                "併用の方のカードで資格確認する",
                "check the card of somebody with both",
            ),
            face("combined", Validity::Valid, Some(Coverage::Combined)),
        ],
    },
    Scenario {
        id: "not-commissioned",
        section: "図2.2.1-10",
        title: w("未委託：番号を表示しない", "未委託: no number is shown"),
        steps: &[ticket("not-commissioned-known", Validity::NotCommissioned)],
    },
    Scenario {
        id: "lost",
        section: "図2.2.1-10",
        title: w("資格喪失", "lost"),
        steps: &[ticket("lost", Validity::Lost)],
    },
    Scenario {
        id: "lost-with-newer",
        section: "図2.2.1-10",
        title: w("資格喪失（新しい資格あり）", "lost, with a newer one"),
        steps: &[ticket("lost-with-newer", Validity::LostWithNewer)],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_scenario_has_an_id_of_its_own_and_steps() {
        let ids: HashSet<_> = SCENARIOS.iter().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), SCENARIOS.len());
        assert!(SCENARIOS.iter().all(|scenario| !scenario.steps.is_empty()));
    }

    #[test]
    fn only_people_attest() {
        let steps = SCENARIOS.iter().flat_map(|scenario| scenario.steps);
        for step in steps {
            let by_person = step.action == Action::Person;
            assert_eq!(by_person, step.expected == Expected::Attested, "{step:?}");
        }
    }
}
