use super::*;

fn rule() -> CardRule {
    CardRule {
        name: "診察券".to_owned(),
        gives: CardNumber::Patient,
        read: CardReading::Apdu,
        apdu: vec!["00B0000010".to_owned()],
        encoding: CardEncoding::Ascii,
        start: 0,
        length: None,
        prefix: String::new(),
        strip_zeros: false,
        map_file: None,
    }
}

fn number(rule: &CardRule, bytes: &[u8]) -> Result<String, &'static str> {
    let mut rule = Rule::compile(rule).map_err(|_| "not compiled")?;
    match text_of(rule.encoding, bytes).map(|text| rule.number(&text)) {
        Some(Fit::Number(number)) => Ok(number),
        Some(Fit::No) => Err("does not fit"),
        Some(Fit::Unreadable) | None => Err("unreadable"),
    }
}

fn wrong(rule: &CardRule) -> String {
    Rules::compile(std::slice::from_ref(rule))
        .map(|_| ())
        .expect_err("refused")
        .key
}

#[test]
fn a_number_is_cut_out_as_the_rule_says() {
    assert_eq!(number(&rule(), b"00012345  ").as_deref(), Ok("00012345"));
    let part = CardRule {
        start: 2,
        length: Some(4),
        ..rule()
    };
    assert_eq!(number(&part, b"ab1234cd").as_deref(), Ok("1234"));
    let prefixed = CardRule {
        prefix: "H1-".to_owned(),
        strip_zeros: true,
        ..rule()
    };
    assert_eq!(
        number(&prefixed, b"H1-000123\xFF\xFF").as_deref(),
        Ok("123")
    );
    assert_eq!(number(&prefixed, b"H2-000123"), Err("does not fit"));
    let bcd = CardRule {
        encoding: CardEncoding::Bcd,
        ..rule()
    };
    assert_eq!(
        number(&bcd, &[0x00, 0x01, 0x23, 0x4F]).as_deref(),
        Ok("0001234")
    );
    assert_eq!(number(&bcd, &[0x0A]), Err("unreadable"));
    let hex = CardRule {
        encoding: CardEncoding::Hex,
        ..rule()
    };
    assert_eq!(number(&hex, &[0x01, 0xAB]).as_deref(), Ok("01AB"));
}

#[test]
fn what_is_no_number_is_unreadable() {
    for bytes in [
        &b""[..],
        b"    ",
        b"\x07\x08",
        "患者".as_bytes(),
        b"12;34",
        &[b'1'; 40],
    ] {
        assert_eq!(number(&rule(), bytes), Err("unreadable"));
    }
    let long = CardRule {
        length: Some(9),
        ..rule()
    };
    assert_eq!(number(&long, b"1234"), Err("unreadable"));
}

#[test]
fn a_rule_that_may_not_run_is_named_by_its_key() {
    let with = |apdu: &[&str]| CardRule {
        apdu: apdu.iter().map(|&text| text.to_owned()).collect(),
        ..rule()
    };
    assert_eq!(wrong(&with(&[])), "apdu");
    assert_eq!(wrong(&with(&["00A4020C020001", "0020008000"])), "apdu[1]");
    assert_eq!(wrong(&with(&["00A4040C0AD392F000260100000001"])), "apdu[0]");
    assert_eq!(wrong(&with(&["00B0000010"; 17])), "apdu");
    assert_eq!(
        wrong(&CardRule {
            read: CardReading::Uid,
            ..rule()
        }),
        "apdu"
    );
    assert_eq!(
        wrong(&CardRule {
            name: " ".to_owned(),
            ..rule()
        }),
        "name"
    );
    assert_eq!(
        wrong(&CardRule {
            length: Some(0),
            ..rule()
        }),
        "length"
    );
}

#[test]
fn a_map_gives_the_number_of_a_card_and_follows_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cards.csv");
    std::fs::write(&file, "card,number\n012E4CD1, staff-07 \n").unwrap();
    let uid = CardRule {
        read: CardReading::Uid,
        gives: CardNumber::Staff,
        apdu: Vec::new(),
        map_file: Some(file.clone()),
        ..rule()
    };
    let mut rule = Rule::compile(&uid).unwrap_or_else(|_| panic!("allowed"));
    let mut look = |text: &str| match rule.number(text) {
        Fit::Number(number) => Some(number),
        _ => None,
    };
    assert_eq!(look("012e4cd1").as_deref(), Some("staff-07"));
    assert_eq!(look("FFFFFFFF"), None);
    std::fs::write(&file, "card,number\n012E4CD1,staff-11\n").unwrap();
    assert_eq!(look("012E4CD1").as_deref(), Some("staff-11"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(look("012E4CD1"), None, "a map that is gone maps nothing");
}
