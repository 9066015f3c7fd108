use super::*;

fn parse(text: &str) -> Result<Eligibility<'_>, XmlError> {
    Eligibility::parse(text, &Limits::SINGLE)
}

#[test]
fn every_name_fills_its_own_field() {
    for group in [Record::NAMES, Consents::NAMES] {
        for name in group {
            let name = std::str::from_utf8(name).unwrap();
            let text = format!(
                "<XmlMsg><MessageBody><ResultList><ResultOfQualificationConfirmation><{name}>x</{name}></ResultOfQualificationConfirmation></ResultList></MessageBody></XmlMsg>"
            );
            let record = parse(&text).unwrap().body.records.remove(0);
            assert!(record.unknown.is_empty(), "{name}");
            assert_ne!(record, Record::default(), "{name}");
        }
    }
}

#[test]
fn blank_is_absent_and_still_occurs_once() {
    let text = "<XmlMsg><MessageHeader><ErrorCode>\u{3000} </ErrorCode><ErrorMessage/></MessageHeader><MessageBody/></XmlMsg>";
    assert_eq!(parse(text).unwrap(), Eligibility::default());
    let twice = "<XmlMsg><MessageHeader><ErrorCode/><ErrorCode/></MessageHeader></XmlMsg>";
    assert_eq!(
        parse(twice).unwrap_err().fault,
        Fault::Duplicate("ErrorCode")
    );
}

#[test]
fn spellings_of_one_field_may_agree() {
    let ticket = |text: &str| {
        format!(
            "<XmlMsg><MessageBody><ResultOfQualificationConfirmation><PublicExpenseResultList><MedicalTicketInfo>{text}</MedicalTicketInfo></PublicExpenseResultList></ResultOfQualificationConfirmation></MessageBody></XmlMsg>"
        )
    };
    let both =
        ticket("<StatusOfInfection>01</StatusOfInfection><StatusOfInfecton>01</StatusOfInfecton>");
    let message = parse(&both).unwrap();
    let read = message.body.records[0].tickets[0]
        .status_of_infecton
        .as_deref();
    assert_eq!(read, Some("01"));
}

#[test]
fn what_is_unknown_is_kept_beside_its_record() {
    let text = "<XmlMsg><New>1</New><MessageBody><ResultList><ResultOfQualificationConfirmation><A><B>2</B><C/></A><PublicExpenseResultList><D>3</D><MedicalTicketInfo><BeneficiaryNumber>4</BeneficiaryNumber></MedicalTicketInfo></PublicExpenseResultList></ResultOfQualificationConfirmation></ResultList><E>5</E></MessageBody></XmlMsg>";
    let message = parse(text).unwrap();
    let paths = |unknown: &[Unknown<'_>]| -> Vec<String> {
        unknown
            .iter()
            .map(|one| format!("{}={}", one.path, one.text))
            .collect()
    };
    assert_eq!(paths(&message.unknown), ["New=1", "MessageBody/E=5"]);
    let record = &message.body.records[0];
    assert_eq!(
        paths(&record.unknown),
        ["A/B=2", "PublicExpenseResultList/D=3"]
    );
    assert_eq!(record.beneficiary_numbers, ["4"]);
    assert_eq!(record.unknown[0].name(), "B");
}
