use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn days_are_read_in_both_calendars() {
    let cli = Cli::try_parse_from([
        "shikaku",
        "inquire",
        "ticket",
        "--facility",
        "1319912349",
        "--payer",
        "12997011",
        "--recipient",
        "1234567",
        "--birth-date",
        "S35.4.1",
        "--on",
        "2026-05-11",
        "--wait",
    ])
    .unwrap();
    let Command::Inquire(Inquire::Ticket(ticket)) = cli.command else {
        panic!("not a ticket inquiry");
    };
    assert_eq!(ticket.birth_date, Some(jiff::civil::date(1960, 4, 1)));
}

#[test]
fn months_are_read_in_both_calendars() {
    let may = shikaku_schemas::value::Month::of(jiff::civil::date(2026, 5, 1));
    assert_eq!(value::month("2026-05"), Ok(may));
    assert_eq!(value::month("R8.5"), Ok(may));
    assert!(value::month("May").is_err());
}

#[test]
fn the_calendar_needs_facility_and_month_and_its_commands_their_own() {
    let parse = |more: &[&str]| {
        let words = ["shikaku", "tickets"];
        Cli::try_parse_from(words.iter().chain(more)).is_ok()
    };
    assert!(!parse(&["--facility", "1319912349"]));
    assert!(parse(&["--facility", "1319912349", "--month", "R8.5"]));
    let request = ["request", "--facility", "1319912349", "--patient", "1"];
    assert!(!parse(&request));
    assert!(parse(&[&request[..], &["--month", "2026-05"]].concat()));
}

#[test]
fn an_inquiry_needs_numbers_or_a_patient() {
    let parse = |more: &[&str]| {
        let words = ["shikaku", "inquire", "ticket", "--facility", "1319912349"];
        Cli::try_parse_from(words.iter().chain(more)).is_ok()
    };
    assert!(!parse(&[]));
    assert!(!parse(&["--payer", "12997011"]));
    assert!(!parse(&["--patient", "1", "--payer", "12997011"]));
    assert!(parse(&["--patient", "1"]));
}

#[test]
fn a_bulk_inquiry_takes_its_people_from_one_place() {
    let parse = |more: &[&str]| {
        let words = ["shikaku", "inquire", "bulk", "--facility", "1319912349"];
        Cli::try_parse_from(words.iter().chain(more)).is_ok()
    };
    let retry = ["--retry", "0197c000-0000-7000-8000-000000000000"];
    assert!(!parse(&[]));
    assert!(parse(&["--list", "people.csv"]));
    assert!(parse(&retry));
    assert!(!parse(&[&retry[..], &["--list", "people.csv"]].concat()));
    assert!(!parse(&[&retry[..], &["--on", "2026-05-11"]].concat()));
}

#[test]
fn what_comes_later_is_not_listed() {
    let help = Cli::command().render_long_help().to_string();
    for later in ["claims-at-risk", "disclosure", "backup", "restore"] {
        let listed = help
            .lines()
            .any(|line| line.trim_start().starts_with(later));
        assert!(!listed, "{later}");
    }
}
