//! One request of each message, and where samples lie.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use shikaku_schemas::oqs::consented::{Basis, Service};
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::medical::{self, Wanted};
use shikaku_schemas::oqs::registration::{self, Registration};
use shikaku_schemas::oqs::request::Head;
use shikaku_schemas::oqs::single::{self, Search};
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Family, Form, Message, Request, bulk, commissioned, consented};
use shikaku_schemas::value::Month;

pub fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Name and bytes of every file in a folder of samples.
pub fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(in_crate(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

pub fn answer(name: &str) -> Vec<u8> {
    fs::read(in_crate("samples/oqs/answers").join(name)).unwrap()
}

/// A written request: the message, its schema, and the bytes in an encoding.
pub struct Example {
    pub message: Message,
    pub schema: &'static str,
    pub write: Box<dyn Fn(Encoding) -> Vec<u8>>,
}

fn example<R: Request + 'static>(message: Message, schema: &'static str, request: R) -> Example {
    Example {
        message,
        schema,
        write: Box::new(move |encoding| request.write(encoding).unwrap()),
    }
}

pub fn head() -> Head {
    Head::new("1319912349", "hub-000871")
}

/// By ticket.
pub fn assisted() -> Search {
    Search {
        insurer_number: "12997151".to_owned(),
        symbol: None,
        number: "3200003".to_owned(),
        branch: None,
        birth_date: date(1960, 1, 1),
        limit_certificate_consent: false,
        arbitrary_identifier: Some("row-1".to_owned()),
    }
}

/// By insurance card, with a number shorter than its field and a name that needs care.
pub fn insured() -> Search {
    Search {
        insurer_number: "998013".to_owned(),
        symbol: Some("５１-い".to_owned()),
        number: "208".to_owned(),
        branch: Some("01".to_owned()),
        birth_date: date(1971, 9, 15),
        limit_certificate_consent: true,
        arbitrary_identifier: Some("<&> 髙島".to_owned()),
    }
}

fn registration(search: Search, reference_number: &str) -> Registration {
    Registration {
        reference_number: reference_number.to_owned(),
        insurer_number: search.insurer_number,
        symbol: search.symbol,
        number: search.number,
        branch: search.branch,
    }
}

fn medical(wanted: Wanted, form: Form) -> medical::Request {
    medical::Request {
        head: head(),
        insurer_number: "12997151".to_owned(),
        symbol: None,
        number: "3200003".to_owned(),
        branch: None,
        wanted,
        form,
    }
}

fn month(month: i8) -> Month {
    Month { year: 2026, month }
}

/// One of each message.
pub fn requests() -> Vec<Example> {
    let on = date(2026, 5, 11);
    let first = Message::request;
    let consented = |service: Service, schema, basis| {
        let request = consented::Request {
            head: head(),
            service,
            basis,
            from: date(2026, 5, 1),
            to: on,
        };
        example(first(service.family()), schema, request)
    };
    let mut all = vec![
        example(
            first(Family::Single),
            "single-request",
            single::Request {
                head: head(),
                confirmed_on: on,
                search: assisted(),
            },
        ),
        example(
            first(Family::Bulk),
            "bulk-request",
            bulk::Request {
                head: head(),
                confirmed_on: on,
                searches: vec![assisted(), insured()],
            },
        ),
        example(
            first(Family::Commissioned),
            "commissioned-request",
            commissioned::Request {
                head: head(),
                month: month(5),
            },
        ),
        consented(Service::HomeVisit, "home-visit-request", Basis::Consent),
        consented(Service::Online, "online-request", Basis::Examination),
        example(
            first(Family::Registration),
            "registration-request",
            registration::Request {
                head: head(),
                registration: registration(assisted(), "004417"),
            },
        ),
        example(
            first(Family::BulkRegistration),
            "bulk-registration-request",
            registration::BulkRequest {
                head: head(),
                registrations: vec![
                    registration(assisted(), "004417"),
                    registration(insured(), "カルテ-18"),
                ],
            },
        ),
        example(
            first(Family::Drugs),
            "drugs-request",
            medical(
                Wanted::Drugs {
                    from: month(1),
                    to: month(5),
                    with_treatments: true,
                },
                Form::Xml,
            ),
        ),
        example(
            first(Family::Checkups),
            "checkups-request",
            medical(Wanted::Checkups, Form::Pdf),
        ),
    ];
    for family in Family::ALL.into_iter().filter(|family| family.is_bulk()) {
        let poll = Poll {
            institution_code: "1319912349".to_owned(),
            reception_number: "202605160000000021".to_owned(),
        };
        all.push(example(Message::poll(family), "poll-request", poll));
    }
    all
}
