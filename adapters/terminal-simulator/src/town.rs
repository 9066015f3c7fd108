//! The town: one person for each situation that the desk has to tell apart. Prefecture 99 does not exist.

use jiff::civil::{Date, date};

use crate::number::{payer_number, recipient_number};
use crate::person::{Assistance, Insurance, Person, Standing, TicketPlan, TreatmentType};

/// The institution whose terminal this is, unless told otherwise.
pub const INSTITUTION: &str = "1319912349";
/// Another institution, which some tickets name.
pub const OTHER_INSTITUTION: &str = "1345077885";
/// The welfare office.
pub const OFFICE: &str = "見本市福祉事務所";

/// Everybody in the town.
pub fn town() -> Vec<Person> {
    let mut people = vec![
        insured(
            "insured-only",
            "見本　保子",
            "ﾐﾎﾝ ﾔｽｺ",
            '2',
            date(1979, 3, 8),
            "T00001",
            411,
        ),
        assisted(
            "one-ticket",
            "見本　一葉",
            "ﾐﾎﾝ ｶｽﾞﾊ",
            '2',
            date(1962, 7, 19),
            "T00002",
            400_101,
        ),
        assisted(
            "two-tickets",
            "見本　双葉",
            "ﾐﾎﾝ ﾌﾀﾊﾞ",
            '2',
            date(1951, 11, 2),
            "T00003",
            400_102,
        ),
        assisted(
            "dispensing",
            "見本　調",
            "ﾐﾎﾝ ｼﾗﾍﾞ",
            '1',
            date(1988, 1, 30),
            "T00004",
            400_103,
        ),
        assisted(
            "other-institution",
            "見本　他院",
            "ﾐﾎﾝ ﾀｲﾝ",
            '1',
            date(1970, 5, 21),
            "T00005",
            400_104,
        ),
        assisted(
            "combined",
            "見本　併",
            "ﾐﾎﾝ ｱﾜｾ",
            '1',
            date(1968, 12, 12),
            "T00006",
            400_105,
        ),
        assisted(
            "not-commissioned-new",
            "未着　新",
            "ﾐﾁｬｸ ｱﾗﾀ",
            '1',
            date(1990, 2, 14),
            "",
            400_106,
        ),
        assisted(
            "not-commissioned-known",
            "未着　知",
            "ﾐﾁｬｸ ﾄﾓ",
            '2',
            date(1957, 9, 5),
            "T00008",
            400_107,
        ),
        assisted(
            "combined-not-commissioned",
            "未着　併",
            "ﾐﾁｬｸ ｱﾜｾ",
            '2',
            date(1973, 6, 1),
            "T00009",
            400_108,
        ),
        assisted(
            "lost",
            "見本　終",
            "ﾐﾎﾝ ｵﾜﾘ",
            '1',
            date(1949, 4, 4),
            "T00010",
            400_109,
        ),
        assisted(
            "lost-with-newer",
            "見本　継",
            "ﾐﾎﾝ ﾂｸﾞ",
            '2',
            date(1984, 8, 17),
            "T00011",
            400_110,
        ),
        assisted(
            "not-found",
            "見本　不在",
            "ﾐﾎﾝ ﾌｻﾞｲ",
            '1',
            date(1995, 10, 23),
            "",
            400_111,
        ),
        insured(
            "multiple",
            "見本　複",
            "ﾐﾎﾝ ﾌｸ",
            '2',
            date(1992, 5, 5),
            "",
            412,
        ),
        assisted(
            "rejected",
            "見本　否",
            "ﾐﾎﾝ ｲﾅ",
            '1',
            date(1966, 6, 6),
            "",
            400_112,
        ),
    ];
    for person in &mut people {
        settle(person);
    }
    people
}

/// What sets a person apart from the ordinary case of their half.
fn settle(person: &mut Person) {
    person.standing = match person.id.as_str() {
        "not-commissioned-new" | "not-commissioned-known" | "combined-not-commissioned" => {
            Standing::NotCommissioned
        }
        "lost" => Standing::Lost,
        "lost-with-newer" => Standing::LostWithNewer,
        "not-found" => Standing::NotFound,
        "multiple" => Standing::Multiple,
        "rejected" => Standing::Rejected,
        _ => Standing::Valid,
    };
    if person.id.starts_with("combined") {
        person.insurance = Some(insurance(413 + u32::from(person.sex == '2')));
    }
    let Some(assistance) = &mut person.assistance else {
        return;
    };
    assistance.tickets[0].combined = person.insurance.is_some();
    match person.id.as_str() {
        "two-tickets" => {
            assistance.tickets[0].self_pay_yen = Some(1200);
            assistance.tickets.push(TicketPlan {
                treatment_type: TreatmentType::Inpatient,
                ..TicketPlan::outpatient("0007002")
            });
        }
        "dispensing" => {
            assistance.tickets[0].treatment_type = TreatmentType::Dispensing;
            assistance.tickets[0].prescriber = Some(OTHER_INSTITUTION.to_owned());
        }
        "other-institution" => {
            assistance.tickets[0].other_institution = Some(OTHER_INSTITUTION.to_owned());
        }
        _ => {}
    }
}

/// Somebody who was never seen before; `n` tells them apart. Assistance only, one ticket.
pub fn stranger(n: u32) -> Person {
    let kana = ["ｱ", "ｲ", "ｳ", "ｴ", "ｵ", "ｶ", "ｷ", "ｸ", "ｹ", "ｺ"];
    let kanji = ["零", "壱", "弐", "参", "四", "五", "六", "七", "八", "九"];
    let digits = |words: [&str; 10]| -> String {
        n.to_string()
            .bytes()
            .map(|digit| words[usize::from(digit - b'0')])
            .collect()
    };
    let born = date(1940, 1, 1)
        .checked_add(jiff::Span::new().days(i64::from(n % 20_000)))
        .expect("twenty thousand days after 1940 is a date");
    assisted(
        &format!("stranger-{n}"),
        &format!("通行　{}", digits(kanji)),
        &format!("ﾂｳｺｳ {}", digits(kana)),
        if n.is_multiple_of(2) { '1' } else { '2' },
        born,
        &format!("V{n:07}"),
        500_000 + n,
    )
}

fn nobody(id: &str, name: &str, kana: &str, sex: char, born: Date, reference: &str) -> Person {
    Person {
        id: id.to_owned(),
        name: name.to_owned(),
        name_kana: kana.to_owned(),
        sex,
        birth_date: born,
        reference_number: (!reference.is_empty()).then(|| reference.to_owned()),
        insurance: None,
        assistance: None,
        standing: Standing::Valid,
    }
}

fn assisted(
    id: &str,
    name: &str,
    kana: &str,
    sex: char,
    born: Date,
    reference: &str,
    body: u32,
) -> Person {
    let office = if body.is_multiple_of(2) { 715 } else { 701 };
    Person {
        assistance: Some(Assistance {
            payer_number: payer_number(office),
            recipient_number: recipient_number(body),
            office: OFFICE.to_owned(),
            since: date(2025, 4, 1),
            tickets: vec![TicketPlan::outpatient(&format!("{body:07}"))],
        }),
        ..nobody(id, name, kana, sex, born, reference)
    }
}

fn insured(
    id: &str,
    name: &str,
    kana: &str,
    sex: char,
    born: Date,
    reference: &str,
    number: u32,
) -> Person {
    Person {
        insurance: Some(insurance(number)),
        ..nobody(id, name, kana, sex, born, reference)
    }
}

fn insurance(number: u32) -> Insurance {
    Insurance {
        classification: "01".to_owned(),
        insurer_number: "06139992".to_owned(),
        insurer_name: "見本健康保険組合".to_owned(),
        symbol: Some("５１".to_owned()),
        number: number.to_string(),
        branch: Some("01".to_owned()),
        since: date(2019, 4, 1),
        copay_percent: Some(30),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_is_somebody_else() {
        let everybody: Vec<Person> = town().into_iter().chain((0..2000).map(stranger)).collect();
        let ids: HashSet<_> = everybody.iter().map(|person| &person.id).collect();
        let people: HashSet<_> = everybody
            .iter()
            .map(|person| (&person.name, person.birth_date))
            .collect();
        let numbers: HashSet<_> = everybody
            .iter()
            .filter_map(|person| person.assistance.as_ref())
            .map(|assistance| &assistance.recipient_number)
            .collect();
        assert_eq!(ids.len(), everybody.len());
        assert_eq!(people.len(), everybody.len());
        assert_eq!(numbers.len(), everybody.len() - 2, "two are insured only");
    }
}
