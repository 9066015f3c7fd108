//! The business scenarios of the operation test (guide 5.4), as data: one table, nothing hidden in code.

use shikaku_schemas::value::{ConsentScope, Coverage, TicketKind, Validity};

use super::scenario::{
    Action, CONSENT, Expected, Scenario, Step, face, medical, person, step, ticket, view, w,
};
use crate::words::Words;

const fn scenario(
    id: &'static str,
    section: &'static str,
    title: Words,
    steps: &'static [Step],
) -> Scenario {
    Scenario {
        id,
        section,
        title,
        steps,
    }
}

const CARD: Step = person(
    "その方のマイナンバーカードで資格確認する",
    "check the card of that person",
);

/// Every scenario, in the order in which it is run.
pub const SCENARIOS: &[Scenario] = &[
    scenario(
        "card-face",
        "図2.2.1-1",
        w(
            "マイナンバーカード：顔認証（PINなし）",
            "My Number card, face authentication",
        ),
        &[
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
    ),
    scenario(
        "card-generic",
        "図2.2.1-2",
        w(
            "マイナンバーカード：汎用カードリーダー（目視）",
            "My Number card, generic reader",
        ),
        &[
            person(
                "汎用カードリーダーで目視による本人確認をする",
                "identify by sight at a generic reader",
            ),
            face(
                "one-ticket",
                Validity::Valid,
                Some(Coverage::AssistanceOnly),
            ),
        ],
    ),
    scenario(
        "card-pin",
        "図2.2.1-3・-4",
        w("マイナンバーカード：PIN認証", "My Number card, PIN"),
        &[
            person(
                "暗証番号（PIN）で認証する。PINをハブに入力しないこと",
                "authenticate by PIN; never type it into the hub",
            ),
            face(
                "one-ticket",
                Validity::Valid,
                Some(Coverage::AssistanceOnly),
            ),
        ],
    ),
    scenario(
        "first-registration",
        "図2.2.1-8",
        w(
            "利用申込（初回登録）",
            "not registered, then registered at the reader",
        ),
        &[
            person(
                "未登録のカードで、登録がない旨の表示を確認する",
                "an unregistered card is refused",
            ),
            person(
                "カードリーダーで利用申込（初回登録）をする",
                "register at the reader",
            ),
            person("登録したカードで資格確認する", "check the card again"),
            face(
                "unregistered",
                Validity::Valid,
                Some(Coverage::AssistanceOnly),
            ),
        ],
    ),
    scenario(
        "ticket-new",
        "図2.2.1-5・4.1.1(3)",
        w("医療券：新患", "ticket, new patient"),
        &[ticket("two-tickets", Expected::NewPatient)],
    ),
    scenario(
        "ticket-returning",
        "図2.2.1-6・4.1.1(3)",
        w("医療券：2回目以降", "ticket, returning patient"),
        &[step(
            w("患者番号から照会", "inquiry from the chart"),
            Action::TicketByChart("one-ticket"),
            Expected::Answer(Validity::Valid, Some(Coverage::AssistanceOnly)),
        )],
    ),
    scenario(
        "dispensing-ticket",
        "図2.2.1-5・4.1.1(3)",
        w("調剤券", "dispensing ticket"),
        &[step(
            w("調剤券の番号で照会", "inquiry by the ticket's numbers"),
            Action::TicketByNumbers("dispensing"),
            Expected::Ticket(TicketKind::Dispensing),
        )],
    ),
    scenario(
        "bulk",
        "図2.2.1-7・4.1.1(6)",
        w("一括照会", "bulk inquiry"),
        &[step(
            w(
                "受付番号を取得し、結果を取り込む",
                "reception number, then the whole result",
            ),
            Action::Bulk(&["one-ticket", "two-tickets", "not-commissioned-known"]),
            Expected::Units(3),
        )],
    ),
    scenario(
        "commissioned",
        "図2.2.1-9・4.1.1(7)",
        w("委託先資格情報の一括取得", "commissioned bulk"),
        &[step(
            w("当月の医療券を取得する", "tickets of the present month"),
            Action::Commissioned,
            Expected::Tickets,
        )],
    ),
    scenario(
        "reference",
        "4.1.1(4)",
        w("照会番号の登録", "registration of 照会番号"),
        &[step(
            w(
                "患者番号を照会番号として登録する",
                "register the chart number",
            ),
            Action::Register("one-ticket"),
            Expected::Registered,
        )],
    ),
    scenario(
        "drug-info",
        "2.2.2・4.1.2(1)",
        w("薬剤情報の閲覧", "drug information"),
        &[
            CONSENT,
            medical("one-ticket", ConsentScope::Drug),
            view("one-ticket", ConsentScope::Drug),
        ],
    ),
    scenario(
        "treatment-info",
        "2.2.2・4.1.2(1)",
        w("診療情報の閲覧", "treatment information"),
        &[
            CONSENT,
            medical("one-ticket", ConsentScope::Treatment),
            view("one-ticket", ConsentScope::Treatment),
        ],
    ),
    scenario(
        "checkup-info",
        "2.2.2・4.1.2(1)",
        w("健診情報の閲覧", "check-up information"),
        &[
            CONSENT,
            medical("one-ticket", ConsentScope::Checkup),
            view("one-ticket", ConsentScope::Checkup),
        ],
    ),
    scenario(
        "not-commissioned",
        "図2.2.1-10",
        w(
            "単独・未委託：番号を表示しない",
            "未委託: no number is shown",
        ),
        &[
            CARD,
            face(
                "not-commissioned-known",
                Validity::NotCommissioned,
                Some(Coverage::AssistanceOnly),
            ),
            ticket(
                "not-commissioned-known",
                Expected::Answer(Validity::NotCommissioned, None),
            ),
        ],
    ),
    scenario(
        "lost",
        "図2.2.1-10",
        w("単独・資格喪失", "lost"),
        &[
            CARD,
            face("lost", Validity::Lost, None),
            ticket("lost", Expected::Answer(Validity::Lost, None)),
        ],
    ),
    scenario(
        "lost-with-newer",
        "図2.2.1-10",
        w("単独・資格喪失（新しい資格あり）", "lost, with a newer one"),
        &[ticket(
            "lost-with-newer",
            Expected::Answer(Validity::LostWithNewer, None),
        )],
    ),
    scenario(
        "combined",
        "図2.2.1-11",
        w("併用・有効", "insurance and assistance combined"),
        &[
            CARD,
            face("combined", Validity::Valid, Some(Coverage::Combined)),
            ticket(
                "combined",
                Expected::Answer(Validity::Valid, Some(Coverage::Combined)),
            ),
        ],
    ),
    scenario(
        "combined-not-commissioned",
        "図2.2.1-11",
        w("併用・未委託", "combined, 未委託"),
        &[
            CARD,
            face(
                "combined-not-commissioned",
                Validity::NotCommissioned,
                Some(Coverage::Combined),
            ),
            ticket(
                "combined-not-commissioned",
                Expected::Answer(Validity::NotCommissioned, None),
            ),
        ],
    ),
    scenario(
        "combined-lost",
        "図2.2.1-11",
        w("併用・資格喪失", "combined, lost"),
        &[
            CARD,
            face("combined-lost", Validity::Lost, None),
            ticket("combined-lost", Expected::Answer(Validity::Lost, None)),
        ],
    ),
    scenario(
        "combined-lost-with-newer",
        "図2.2.1-11",
        w(
            "併用・資格喪失（新しい資格あり）",
            "combined, lost, with a newer one",
        ),
        &[ticket(
            "combined-lost-with-newer",
            Expected::Answer(Validity::LostWithNewer, None),
        )],
    ),
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
