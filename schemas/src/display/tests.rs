//! The figures, counted, and the reviewed table.

use std::fmt::Write as _;

use super::*;

const ROWS: [Method; 4] = [
    Method::Card,
    Method::Ticket,
    Method::Bulk,
    Method::Commissioned,
];
const COLUMNS: [Validity; 4] = [
    Validity::Valid,
    Validity::NotCommissioned,
    Validity::Lost,
    Validity::LostWithNewer,
];
const FIGURES: [Coverage; 2] = [Coverage::AssistanceOnly, Coverage::Combined];

fn figures() -> Vec<(Coverage, Method, Validity)> {
    let mut cells = Vec::new();
    for coverage in FIGURES {
        for method in ROWS {
            cells.extend(COLUMNS.map(|validity| (coverage, method, validity)));
        }
    }
    cells
}

fn shown(coverage: Coverage, method: Method, validity: Validity) -> Display {
    display(method, Situation::plain(validity, coverage))
}

#[test]
fn twenty_four_cells_are_drawn_and_eight_are_not() {
    let cells: Vec<_> = figures()
        .into_iter()
        .map(|(coverage, method, validity)| shown(coverage, method, validity))
        .collect();
    let codes: std::collections::BTreeSet<_> = cells
        .iter()
        .filter(|cell| cell.drawn)
        .map(|cell| cell.code)
        .collect();
    assert_eq!(cells.iter().filter(|cell| cell.drawn).count(), 24);
    assert_eq!(codes.len(), 24, "each drawn cell has a code of its own");
    let not_drawn = cells.iter().filter(|cell| cell.code == "not-drawn");
    assert_eq!(not_drawn.count(), 8);
}

#[test]
fn no_number_and_no_ticket_where_not_commissioned() {
    for method in Method::ALL {
        for coverage in Coverage::ALL {
            let shows = shown(*coverage, *method, Validity::NotCommissioned).shows;
            assert!(!shows.numbers && !shows.tickets && !shows.last_qualification);
        }
    }
}

#[test]
fn only_a_card_shows_the_insurance_half_of_combined() {
    for (coverage, method, validity) in figures() {
        let expected = coverage == Coverage::Combined
            && method == Method::Card
            && matches!(validity, Validity::Valid | Validity::NotCommissioned);
        assert_eq!(shown(coverage, method, validity).shows.insurance, expected);
    }
}

#[test]
fn everything_has_words_in_both_languages() {
    for method in Method::ALL {
        for coverage in Coverage::ALL {
            for validity in Validity::ALL {
                let cell = shown(*coverage, *method, *validity);
                assert!(!cell.japanese.is_empty() && !cell.english.is_empty());
            }
        }
    }
}

fn line(table: &mut String, method: Method, situation: Situation) {
    let cell = display(method, situation);
    let mut marks = String::new();
    for (set, name) in [
        (situation.other_institution, "+other-institution"),
        (situation.without_ticket, "+without-ticket"),
        (situation.inconsistent, "+inconsistent"),
    ] {
        if set {
            marks.push_str(name);
        }
    }
    writeln!(
        table,
        "{} | {} | {}{marks} | {} | {} | {} | {} | {}",
        situation.coverage,
        method,
        situation.validity,
        cell.code,
        if cell.drawn { "drawn" } else { "-" },
        cell.shows.blocks().join(" "),
        cell.japanese,
        cell.english,
    )
    .unwrap();
}

fn table() -> String {
    let mut table = String::from(
        "# coverage | method | validity | code | drawn | shows | Japanese | English\n",
    );
    for (coverage, method, validity) in figures() {
        line(&mut table, method, Situation::plain(validity, coverage));
    }
    for method in ROWS {
        for validity in COLUMNS {
            let situation = Situation::plain(validity, Coverage::Unknown);
            line(&mut table, method, situation);
        }
    }
    table.push_str("# named rows\n");
    for validity in COLUMNS {
        let situation = Situation::plain(validity, Coverage::InsuranceOnly);
        line(&mut table, Method::Card, situation);
    }
    for validity in [Validity::NotFound, Validity::Multiple, Validity::Rejected] {
        let situation = Situation::plain(validity, Coverage::Unknown);
        line(&mut table, Method::Ticket, situation);
    }
    let valid = Situation::plain(Validity::Valid, Coverage::AssistanceOnly);
    for situation in [
        Situation {
            without_ticket: true,
            ..valid
        },
        Situation {
            other_institution: true,
            ..valid
        },
        Situation {
            inconsistent: true,
            ..valid
        },
    ] {
        line(&mut table, Method::Card, situation);
    }
    line(&mut table, Method::LocalCopy, valid);
    table
}

/// `UPDATE_GOLDEN=1 cargo test -p shikaku-schemas display` writes the table again; review the difference.
#[test]
fn the_table_is_the_reviewed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/display/table.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, table()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), table());
}
