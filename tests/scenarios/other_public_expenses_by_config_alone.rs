//! 法別 54 and 15 are added in the configuration. What an answer says of them beyond that, in elements that nobody
//! has seen before, stays in the evidence; and a number hidden in a 未委託 record goes nowhere.

use serde_json::Value;
use shikaku_tests::face::{Face, with_check};
use shikaku_tests::feed::Subscriber;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::until;

/// Planted where it may not be seen: in an element of a 未委託 record.
const HIDDEN: &str = "12997151";
/// Told of, and not named by the configuration.
const UNNAMED: &str = "特定疾患の自由記載";

const SCHEMES: &str = "[[scheme]]\ncode = \"54\"\nclassification = \"B4\"\n\
elements = { MonthlyLimitAmount = \"monthly_limit_yen\" }\n\
[[scheme]]\ncode = \"15\"\nclassification = \"B5\"\n";

fn other_scheme(face: &Face, classification: &str, payer: &str) -> String {
    format!(
        "<ResultOfQualificationConfirmation>\
<InsuredCardClassification>{classification}</InsuredCardClassification>\
<InsurerNumber>{payer}</InsurerNumber><InsuredIdentificationNumber>7654321</InsuredIdentificationNumber>\
<Name>{}</Name><NameKana>{}</NameKana><Sex1>1</Sex1><Birthdate>{}</Birthdate>\
<QualificationDate>20260401</QualificationDate><InsurerName>見本県</InsurerName>\
<MonthlyLimitAmount>5000</MonthlyLimitAmount><FreeRemarks>{UNNAMED}</FreeRemarks>\
<ReferenceNumber>{}</ReferenceNumber></ResultOfQualificationConfirmation></ResultList>",
        face.name, face.kana, face.birth, face.reference
    )
}

/// An answer that is 未委託 by its assistance record, with one more record before its end.
fn answer(n: u32, classification: &str, payer: &str) -> Vec<u8> {
    let face = Face {
        validity: '1',
        extra: format!("<NewPayerNumber>{HIDDEN}</NewPayerNumber>"),
        ..Face::not_commissioned(n)
    };
    let text = String::from_utf8(face.utf8()).unwrap();
    let more = other_scheme(&face, classification, payer);
    text.replace("</ResultList>", &more).into_bytes()
}

fn granted(log: &[Value]) -> Vec<&Value> {
    let all = log.iter();
    all.filter(|event| event["type"] == "qualification-granted")
        .map(|event| &event["data"])
        .collect()
}

#[test]
fn and_only_what_config_names_is_passed_on() {
    let settings = Settings {
        schemes: SCHEMES.to_owned(),
        ..Settings::default().consumers(&[("receipt-a", "receipt"), ("ehr-a", "ehr")])
    };
    let hub = Hub::start(&settings);
    let receipt = Subscriber::of(&hub, "receipt-a");
    let ehr = Subscriber::of(&hub, "ehr-a");
    let (payer_54, payer_15) = (with_check("5499601"), with_check("1599601"));
    hub.terminal("t1").drop_face(&answer(900, "B4", &payer_54));
    hub.await_events("verified", 1);
    hub.terminal("t1").drop_face(&answer(901, "B5", &payer_15));
    // Of a scheme that the configuration does not name, only that it is there.
    hub.terminal("t1")
        .drop_face(&answer(902, "B9", &with_check("1999601")));
    let log = hub.await_events("verified", 3);

    let granted = granted(&log);
    assert_eq!(granted[0]["scheme"], "54");
    assert_eq!(granted[0]["payer_number"], Value::from(payer_54.as_str()));
    assert_eq!(granted[0]["extra"]["monthly_limit_yen"], "5000");
    let of_15 = granted.iter().find(|data| data["scheme"] == "15").unwrap();
    assert_eq!(of_15["payer_number"], Value::from(payer_15));
    assert_eq!(of_15["extra"], Value::Null);
    assert!(granted.iter().all(|data| data["scheme"] != "12"));
    let waiting = log
        .iter()
        .filter(|event| event["type"] == "not-commissioned-observed");
    assert_eq!(waiting.count(), 3);

    let bodies = until("the receipt computer hears of 54", || {
        let messages = receipt.messages();
        let told = messages.iter().any(|message| {
            message.body["scheme"] == "54" && message.body["recipient_number"] == "7654321"
        });
        told.then_some(messages)
    });
    // The month is 未委託: the history goes without numbers of any 公費.
    let chart = Face::not_commissioned(900).reference;
    let asked = [
        "history",
        "--facility",
        FACILITY,
        "--patient",
        &chart,
        "--json",
    ];
    let history = hub.ok(&asked);
    let said = [
        format!("{bodies:?}"),
        format!("{:?}", ehr.messages()),
        hub.ok(&["log", "--json"]).all(),
        history.all(),
        hub.ok(&["parked", "list", "--json"]).all(),
        hub.get("/metrics"),
        hub.said(),
    ];
    for text in &said {
        assert!(!text.contains(HIDDEN), "the hidden number stands in {text}");
        assert!(!text.contains(UNNAMED), "an unnamed element was passed on");
    }
    // No audience of the contract is told of members that it does not name.
    assert!(!said[0].contains("monthly_limit_yen") && !said[1].contains("monthly_limit_yen"));
}
