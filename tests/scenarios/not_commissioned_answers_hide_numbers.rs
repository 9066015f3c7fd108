//! Numbers planted in 未委託 answers are learnt by nobody and appear nowhere.

use shikaku_tests::face::Face;
use shikaku_tests::feed::Subscriber;
use shikaku_tests::folder::files_below;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{Client, credentials};
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::until;

/// No other test data and no check digit makes these.
const PAYER: &str = "12996824";
const RECIPIENT: &str = "9172635";

/// Every place in a 未委託 answer where a number may hide.
fn planted() -> Vec<Face> {
    let numbers = [
        format!(
            "<PublicExpensePayer>{PAYER}</PublicExpensePayer><RecipientOld no=\"{RECIPIENT}\">{RECIPIENT}</RecipientOld>"
        ),
        format!(
            "<InsurerNumber> </InsurerNumber><InsuredIdentificationNumber/><!-- {PAYER} {RECIPIENT} -->"
        ),
        format!(
            "<InsurerNumber>{PAYER}</InsurerNumber><InsuredIdentificationNumber>{RECIPIENT}</InsuredIdentificationNumber>"
        ),
        format!(
            "<PublicExpenseNumber>{PAYER}</PublicExpenseNumber><BeneficiaryNumber>{RECIPIENT}</BeneficiaryNumber>"
        ),
        format!(
            "<InsuredCardSymbol>{PAYER}</InsuredCardSymbol><InsuredBranchNumber>{RECIPIENT}</InsuredBranchNumber>"
        ),
        String::new(),
        String::new(),
    ];
    let remarks = format!(
        "<PublicExpenseResultList><MedicalTicketInfo><Remarks1>{PAYER}</Remarks1><Remarks2>{RECIPIENT}</Remarks2>\
         <IssueNumber>{RECIPIENT}</IssueNumber></MedicalTicketInfo></PublicExpenseResultList>"
    );
    let elsewhere = format!(
        "<ArbitraryIdentifier>{RECIPIENT}</ArbitraryIdentifier><Address>{PAYER}</Address>\
         <ProcessingResultMessage>{RECIPIENT}</ProcessingResultMessage>"
    );
    let mut faces: Vec<Face> = numbers
        .into_iter()
        .zip(800..)
        .map(|(numbers, n)| Face {
            numbers: Some(numbers),
            insured: n % 2 == 1,
            ..Face::not_commissioned(n)
        })
        .collect();
    faces[5].extra = remarks;
    faces[6].extra = elsewhere;
    faces
}

#[test]
fn wherever_they_are_planted() {
    let audiences = ["receipt", "ehr", "dispensing", "department"];
    let consumers: Vec<_> = audiences
        .iter()
        .map(|audience| (*audience, *audience))
        .collect();
    let hub = Hub::start(&Settings::default().consumers(&consumers));
    let subscribers: Vec<Subscriber> = audiences
        .iter()
        .map(|audience| Subscriber::of(&hub, audience))
        .collect();
    let faces = planted();
    for face in &faces {
        hub.terminal("t1").drop_face(&face.utf8());
    }
    let log = hub.await_events("verified", faces.len());
    for event in log.iter().filter(|event| event["type"] == "verified") {
        assert_eq!(event["data"]["validity"], "not-commissioned", "{event}");
    }
    let pending = until("every ward word came", || {
        let messages = subscribers[3].messages();
        (messages.len() == faces.len()).then_some(messages)
    });
    assert!(
        pending
            .iter()
            .all(|message| message.body["assistance"] == "pending")
    );

    let mut places = vec![("log".to_owned(), hub.ok(&["log", "--json"]).all())];
    for face in &faces {
        for words in [
            vec![
                "history",
                "--facility",
                FACILITY,
                "--patient",
                &face.reference,
            ],
            vec![
                "display",
                "--facility",
                FACILITY,
                "--patient",
                &face.reference,
                "--method",
                "card",
                "--valid-on",
                "2026-05-11",
            ],
            vec![
                "display",
                "--facility",
                FACILITY,
                "--patient",
                &face.reference,
                "--method",
                "ticket",
                "--valid-on",
                "2026-05-11",
            ],
        ] {
            places.push((words.join(" "), hub.ok(&words).all()));
            places.push((
                words.join(" "),
                hub.ok(&[&words[..], &["--json"]].concat()).all(),
            ));
        }
    }
    for (audience, subscriber) in audiences.iter().zip(&subscribers) {
        places.push((
            format!("feed of {audience}"),
            format!("{:?}", subscriber.messages()),
        ));
        let state = format!("shikaku.svc.{audience}.{FACILITY}.state");
        let answer =
            Client::start("request.py", &credentials(&hub, audience), &[&state, "{}"]).finish();
        places.push((state, answer[0].to_string()));
    }
    places.push((
        "parked list".to_owned(),
        hub.ok(&["parked", "list", "--json"]).all(),
    ));
    places.push((
        "identity list".to_owned(),
        hub.ok(&["identity", "list", "--json"]).all(),
    ));
    places.push(("metrics".to_owned(), hub.get("/metrics")));
    places.push(("standard output and error".to_owned(), hub.said()));
    for (place, text) in &places {
        for canary in [PAYER, RECIPIENT] {
            assert!(
                !text.contains(canary),
                "{canary} stands in {place}:\n{text}"
            );
        }
    }
    nothing_personal_in_logs_and_metrics(&hub, &faces);
    nothing_in_clear_on_disk(&hub, &faces);
}

fn nothing_personal_in_logs_and_metrics(hub: &Hub, faces: &[Face]) {
    let text = format!("{}{}", hub.said(), hub.get("/metrics"));
    for face in faces {
        for personal in [&face.name, &face.kana, &face.reference] {
            assert!(
                !text.contains(personal.as_str()),
                "{personal} is in a log or metric:\n{text}"
            );
        }
    }
}

fn nothing_in_clear_on_disk(hub: &Hub, faces: &[Face]) {
    let canaries: Vec<&[u8]> = [PAYER, RECIPIENT]
        .into_iter()
        .chain(faces.iter().flat_map(|face| {
            [
                face.name.as_str(),
                face.kana.as_str(),
                face.reference.as_str(),
            ]
        }))
        .map(str::as_bytes)
        .collect();
    let files = files_below(hub.data_dir());
    assert!(files.len() > 5, "the hub keeps its things below data_dir");
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        for canary in &canaries {
            let found = bytes.windows(canary.len()).any(|part| part == *canary);
            assert!(
                !found,
                "{} stands in clear in {}",
                String::from_utf8_lossy(canary),
                file.display()
            );
        }
    }
}
