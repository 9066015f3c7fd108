//! Making people.

use jiff::civil::{Date, date};

use super::OFFICE;
use crate::number::{payer_number, recipient_number};
use crate::person::{Assistance, Insurance, Person, Standing, TicketPlan};

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

/// Neither half yet.
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
        card_registered: true,
    }
}

/// The assistance half; `body` makes their numbers.
pub(super) fn assisted(
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

/// The insurance half.
pub(super) fn insured(
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

/// One household's insurance; `number` tells them apart.
pub(super) fn insurance(number: u32) -> Insurance {
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
