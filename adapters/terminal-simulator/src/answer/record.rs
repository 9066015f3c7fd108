//! The records of an answer: one for each half.

use jiff::Span;
use jiff::civil::Date;

use super::{Answered, Asked, eight, written_name};
use crate::element::Element;
use crate::knobs::{Consents, Knobs, NotCommissionedForm, Numbers, Spelling, Tickets};
use crate::person::{Assistance, Person, Standing, TicketPlan, TreatmentType};
use crate::town::OTHER_INSTITUTION;

/// The insurance half. It says nothing of the assistance.
pub(super) fn insurance(person: &Person, answered: &Answered, knobs: &Knobs) -> Option<Element> {
    let insurance = person.insurance.as_ref()?;
    let mut record = vec![
        Element::leaf("InsuredCardClassification", &insurance.classification),
        Element::leaf("InsurerNumber", format!("{:>8}", insurance.insurer_number)),
    ];
    let mut add = |name, text: Option<String>| {
        record.extend(text.map(|text| Element::leaf(name, text)));
    };
    add("InsuredCardSymbol", insurance.symbol.clone());
    add(
        "InsuredIdentificationNumber",
        Some(insurance.number.clone()),
    );
    add("InsuredBranchNumber", insurance.branch.clone());
    add("PersonalFamilyClassification", Some("1".to_owned()));
    record.extend(identity(person, knobs));
    record.push(Element::leaf("QualificationDate", eight(insurance.since)));
    if person.assistance.is_none() && is_lost(person) {
        record.extend(loss(answered));
    }
    if let Some(percent) = insurance.copay_percent {
        record.push(Element::leaf(
            "InsuredPartialContributionRatio",
            format!("{percent:03}"),
        ));
    }
    record.push(Element::leaf("InsurerName", &insurance.insurer_name));
    record.push(reference(person));
    Some(Element::branch("ResultOfQualificationConfirmation", record))
}

/// The assistance half (A1).
pub(super) fn assistance(
    person: &Person,
    asked: &Asked<'_>,
    answered: &Answered,
    knobs: &Knobs,
) -> Option<Element> {
    let assistance = person.assistance.as_ref()?;
    let commissioned = person.standing != Standing::NotCommissioned;
    let mut record = vec![Element::leaf("InsuredCardClassification", "A1")];
    if commissioned {
        record.extend(numbers(assistance, knobs));
    } else if knobs.not_commissioned == NotCommissionedForm::Blank {
        record.push(Element::blank("InsurerNumber"));
        record.push(Element::blank("InsuredIdentificationNumber"));
    }
    record.extend(identity(person, knobs));
    record.push(Element::leaf("QualificationDate", eight(assistance.since)));
    if is_lost(person) {
        record.extend(loss(answered));
    }
    if !commissioned || knobs.numbers != Numbers::H2 {
        record.push(Element::leaf("InsurerName", &assistance.office));
    }
    if commissioned && !is_lost(person) {
        record.extend(tickets(assistance, answered, knobs));
    } else if !commissioned && knobs.not_commissioned == NotCommissionedForm::EmptyList {
        record.push(Element::branch("PublicExpenseResultList", Vec::new()));
    }
    if matches!(asked, Asked::Card) && commissioned && !is_lost(person) {
        record.extend(consents(answered, knobs));
    }
    record.push(reference(person));
    Some(Element::branch("ResultOfQualificationConfirmation", record))
}

fn is_lost(person: &Person) -> bool {
    matches!(person.standing, Standing::Lost | Standing::LostWithNewer)
}

/// Everybody's qualification ended with the month before.
fn loss(answered: &Answered) -> [Element; 2] {
    let ended = answered.confirmed_on.first_of_month();
    [
        Element::leaf("DisqualificationDate", eight(ended)),
        Element::leaf("ReasonOfLoss", "99"),
    ]
}

fn numbers(assistance: &Assistance, knobs: &Knobs) -> Vec<Element> {
    let mut elements = Vec::new();
    if knobs.numbers != Numbers::H2 {
        elements.push(Element::leaf("InsurerNumber", &assistance.payer_number));
        elements.push(Element::leaf(
            "InsuredIdentificationNumber",
            &assistance.recipient_number,
        ));
    }
    if knobs.numbers != Numbers::H1 {
        elements.push(Element::leaf(
            "PublicExpenseNumber",
            &assistance.payer_number,
        ));
        elements.push(Element::leaf(
            "BeneficiaryNumber",
            &assistance.recipient_number,
        ));
        elements.push(Element::leaf("WelfareOfficeName", &assistance.office));
    }
    elements
}

fn identity(person: &Person, knobs: &Knobs) -> Vec<Element> {
    vec![
        Element::leaf("Name", written_name(person, knobs)),
        Element::leaf("NameKana", &person.name_kana),
        Element::leaf("Sex1", person.sex),
        Element::leaf("Birthdate", eight(person.birth_date)),
    ]
}

fn reference(person: &Person) -> Element {
    Element::leaf(
        "ReferenceNumber",
        person.reference_number.clone().unwrap_or_default(),
    )
}

/// Given at the reader for a day.
fn consents(answered: &Answered, knobs: &Knobs) -> Vec<Element> {
    const NAMES: [[&str; 3]; 3] = [
        [
            "PharmacistsInfoConsFlg",
            "PharmacistsInfoConsTime",
            "PharmacistsInfoAvailableTime",
        ],
        [
            "DiagnosisInfoConsFlg",
            "DiagnosisInfoConsTime",
            "DiagnosisInfoAvailableTime",
        ],
        [
            "SpecificHealthCheckupsInfoConsFlg",
            "SpecificHealthCheckupsInfoConsTime",
            "SpecificHealthCheckupsInfoAvailableTime",
        ],
    ];
    let given = answered.at.strftime("%Y%m%d%H%M%S").to_string();
    let until = answered.at.checked_add(Span::new().days(1)).map_or_else(
        |_| given.clone(),
        |at| at.strftime("%Y%m%d%H%M%S").to_string(),
    );
    let count = match knobs.consents {
        Consents::DrugsAndTreatment => 2,
        Consents::All => 3,
        Consents::None => 0,
    };
    NAMES[..count]
        .iter()
        .flat_map(|[flag, time, available]| {
            [
                Element::leaf(flag, "1"),
                Element::leaf(time, &given),
                Element::leaf(available, &until),
            ]
        })
        .collect()
}

fn tickets(assistance: &Assistance, answered: &Answered, knobs: &Knobs) -> Option<Element> {
    let mut plans = assistance.tickets.clone();
    if knobs.tickets == Tickets::Several {
        plans.extend(assistance.tickets.iter().map(|plan| TicketPlan {
            issue_number: format!("9{}", plan.issue_number),
            treatment_type: TreatmentType::Dental,
            ..plan.clone()
        }));
    }
    for plan in &mut plans {
        match knobs.tickets {
            Tickets::AsPlanned | Tickets::Several => {}
            Tickets::OtherInstitution => {
                plan.other_institution = Some(OTHER_INSTITUTION.to_owned());
            }
            Tickets::OutOfTerm => plan.out_of_term = true,
            Tickets::Inconsistent => plan.inconsistent = true,
            Tickets::Dispensing => {
                plan.treatment_type = TreatmentType::Dispensing;
                plan.prescriber = Some(OTHER_INSTITUTION.to_owned());
            }
        }
    }
    let tickets: Vec<Element> = plans
        .iter()
        .map(|plan| ticket(plan, answered, knobs))
        .collect();
    (!tickets.is_empty()).then(|| Element::branch("PublicExpenseResultList", tickets))
}

fn ticket(plan: &TicketPlan, answered: &Answered, knobs: &Knobs) -> Element {
    let month = if plan.out_of_term {
        month_before(answered.confirmed_on)
    } else {
        answered.confirmed_on.first_of_month()
    };
    let dispensing = plan.treatment_type == TreatmentType::Dispensing;
    let institution = plan.other_institution.as_ref();
    let mut elements = vec![
        Element::leaf("TicketType", if dispensing { "02" } else { "01" }),
        Element::leaf("MedicalTicketValidDate", eight(month)),
        Element::leaf("MedicalTicketExpirationDate", eight(month.last_of_month())),
        Element::leaf("IssueNumber", &plan.issue_number),
        Element::leaf("MedicalTreatmentMonth", month.strftime("%Y%m").to_string()),
        Element::leaf(
            "DesignatedMedicalInstitutionCode",
            institution.unwrap_or(&answered.institution),
        ),
        Element::leaf(
            "DesignatedMedicalInstitutionFlag",
            if institution.is_some() { "1" } else { "0" },
        ),
        Element::leaf("DesignatedMedicalInstitutionName", "見本病院"),
    ];
    if let Some(prescriber) = &plan.prescriber {
        elements.push(Element::leaf(
            "PrescriptionIssuerMedicalInstitutionCode",
            prescriber,
        ));
        elements.push(Element::leaf(
            "PrescriptionIssuerMedicalInstitutionName",
            "見本第二診療所",
        ));
    }
    elements.push(Element::leaf("InjuryName1", "見本病"));
    elements.push(Element::leaf(
        "MedicalTreatmentType",
        plan.treatment_type.code(),
    ));
    if let Some(yen) = plan.self_pay_yen {
        elements.push(Element::leaf("SelfPayAmount", yen.to_string()));
    }
    elements.extend(statements(plan, knobs));
    Element::branch("MedicalTicketInfo", elements)
}

fn statements(plan: &TicketPlan, knobs: &Knobs) -> Vec<Element> {
    let mut elements = vec![
        Element::leaf(
            "SingleOrCombinedUse",
            if plan.combined { "02" } else { "01" },
        ),
        Element::leaf(
            "StatusOfSocialInsurance",
            if plan.combined { "01" } else { "02" },
        ),
    ];
    if plan.inconsistent {
        elements.push(Element::leaf("ConsistencyFlag", "1"));
    }
    let infection = match knobs.spelling {
        Spelling::Infecton => "StatusOfInfecton",
        Spelling::Infection => "StatusOfInfection",
    };
    elements.push(Element::leaf(infection, "02"));
    elements.push(Element::leaf("StatusOfElderlyMedicalCare", "02"));
    elements.push(Element::leaf("StatusOfPrefecturalExpenses", "02"));
    elements
}

fn month_before(day: Date) -> Date {
    day.first_of_month()
        .yesterday()
        .map_or(day, Date::first_of_month)
}
