use super::*;
use crate::oqs::Limits;
use crate::value::Sex;

fn read(
    folder: OqsFolder,
    inquiry: bool,
    header: &str,
    body: &str,
) -> Result<OqsAnswer, ReadingError> {
    let facility: Facility =
        serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" }))
            .unwrap();
    let text = format!(
        "<XmlMsg><MessageHeader><QualificationConfirmationDate>20260511</QualificationConfirmationDate>{header}</MessageHeader><MessageBody>{body}</MessageBody></XmlMsg>"
    );
    let message = Eligibility::parse(&text, &Limits::SINGLE).unwrap();
    to_answer(
        &message,
        &Reading {
            folder,
            facility: &facility,
            schemes: &[],
            inquiry: inquiry.then(|| InquiryId(uuid::Uuid::from_u128(1))),
        },
    )
}

fn record(inside: &str) -> String {
    format!("<ResultOfQualificationConfirmation>{inside}</ResultOfQualificationConfirmation>")
}

fn a1(inside: &str) -> String {
    record(&format!(
        "<InsuredCardClassification>A1</InsuredCardClassification>{inside}"
    ))
}

fn answer(body: &str) -> OqsAnswer {
    read(OqsFolder::Face, false, "", body).unwrap()
}

#[test]
fn method_comes_from_the_classification_not_from_the_folder() {
    let method = |folder, inquiry, classification: &str| {
        let header = format!("<ReferenceClassification>{classification}</ReferenceClassification>");
        read(folder, inquiry, &header, &a1("")).unwrap().method
    };
    assert_eq!(method(OqsFolder::Res, true, "1"), Method::Card);
    assert_eq!(method(OqsFolder::Face, false, "2"), Method::Ticket);
    assert_eq!(method(OqsFolder::Face, false, "8"), Method::LocalCopy);
    assert_eq!(method(OqsFolder::Face, false, ""), Method::LocalCopy);
    assert_eq!(method(OqsFolder::Res, false, ""), Method::LocalCopy);
    assert_eq!(method(OqsFolder::Res, true, ""), Method::Ticket);
}

#[test]
fn sex2_where_the_issuer_states_one() {
    let sex = |inside: &str| answer(&a1(inside)).records[0].person.sex;
    assert_eq!(sex("<Sex1>1</Sex1>"), Some(Sex::Male));
    assert_eq!(sex("<Sex1>1</Sex1><Sex2/>"), Some(Sex::Male));
    assert_eq!(sex("<Sex1>1</Sex1><Sex2>2</Sex2>"), Some(Sex::Female));
}

#[test]
fn one_number_alone_is_no_missing_commission() {
    let answer = answer(&a1("<InsurerNumber>12997151</InsurerNumber>"));
    assert_eq!(
        answer.records[0].numbers.payer_number.as_ref().unwrap().0,
        "12997151"
    );
}

#[test]
fn either_number_disagreeing_drops_both() {
    let answer = answer(&a1(
        "<InsurerNumber>12997151</InsurerNumber><InsuredIdentificationNumber>3200011</InsuredIdentificationNumber><X><BeneficiaryNumber>3200029</BeneficiaryNumber></X>",
    ));
    let numbers = &answer.records[0].numbers;
    assert!(
        numbers.disagree && numbers.payer_number.is_none() && numbers.recipient_number.is_none()
    );
}

#[test]
fn people_differ_only_when_name_and_birth_date_do() {
    let two = |name: &str, born: &str| {
        let first = record("<Name>試料　花子</Name><Birthdate>19710102</Birthdate>");
        let other = record(&format!("<Name>{name}</Name><Birthdate>{born}</Birthdate>"));
        read(OqsFolder::Face, false, "", &(first + &other)).map(|answer| answer.records.len())
    };
    assert_eq!(two("試料 花子", "19710103"), Ok(2));
    assert_eq!(two("試料　●子", "19710102"), Ok(2));
    assert_eq!(two("別人", "19710103"), Err(ReadingError::SeveralPeople));
}

#[test]
fn unreadable_dates_and_numbers_are_noted_not_guessed() {
    let answer = answer(&a1(
        "<InsurerNumber>12997151</InsurerNumber><Birthdate>19710000</Birthdate><PublicExpenseResultList><MedicalTicketInfo><TicketType>01</TicketType><MedicalTreatmentMonth>202605</MedicalTreatmentMonth><SelfPayAmount>1,500</SelfPayAmount><MedicalTreatmentType>9</MedicalTreatmentType></MedicalTicketInfo></PublicExpenseResultList>",
    ));
    assert_eq!(answer.records[0].person.birth_date, None);
    assert_eq!(answer.records[0].tickets[0].self_pay_yen, None);
    assert_eq!(
        answer.warnings,
        [
            "date-unreadable",
            "ticket-end-missing",
            "code-unknown",
            "number-unreadable"
        ]
    );
}

#[test]
fn age_alone_never_makes_an_answer_invalid() {
    let header = "<ProcessExecutionTime>20010101000000</ProcessExecutionTime>";
    assert!(
        read(OqsFolder::Face, false, header, &a1(""))
            .unwrap()
            .warnings
            .is_empty()
    );
}
