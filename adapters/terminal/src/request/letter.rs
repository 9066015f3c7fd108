//! Which request each kind of task is: the one place that knows them all.

use shikaku_schemas::oqs::medical::{self, Wanted};
use shikaku_schemas::oqs::registration::{self, Registration};
use shikaku_schemas::oqs::request::{Head, Request as _, RequestError};
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Family, Form, Limits, Message, bulk, commissioned, consented, single};
use shikaku_schemas::task::{
    BulkRow, CheckupQuestion, CommissionedQuestion, DrugQuestion, PeriodQuestion,
    QualificationNumbers, ReferenceQuestion, Task, TaskBody, TicketQuestion,
};

use super::asked::Asked;

/// What is asked, as far as names and answers need it.
pub(crate) fn asked(body: &TaskBody) -> Asked {
    let family = match body {
        TaskBody::Ticket(_) => Family::Single,
        TaskBody::Bulk(_) => Family::Bulk,
        TaskBody::Commissioned(_) => Family::Commissioned,
        TaskBody::HomeVisit(_) => Family::HomeVisit,
        TaskBody::Online(_) => Family::Online,
        TaskBody::Reference(_) => Family::Registration,
        TaskBody::BulkReference(_) => Family::BulkRegistration,
        TaskBody::DrugInfo(_) => Family::Drugs,
        TaskBody::CheckupInfo(_) => Family::Checkups,
    };
    Asked {
        month: match body {
            TaskBody::Commissioned(question) => Some(question.month),
            _ => None,
        },
        treatments: matches!(body, TaskBody::DrugInfo(question) if question.with_treatments),
        ..Asked::of(family)
    }
}

/// The first request of a task.
///
/// # Errors
/// What can't be written is never sent: the reason names element and place, not the value.
pub(crate) fn write(task: &Task) -> Result<Vec<u8>, RequestError> {
    // The centre echoes both: enough for a person to find the inquiry, and nobody's number.
    let head = Head::new(task.facility.as_str(), &task.inquiry.to_string());
    // Every terminal takes it; answers may come in either encoding.
    let encoding = Encoding::Cp932;
    match &task.body {
        TaskBody::Ticket(question) => single::Request {
            head,
            confirmed_on: question.confirmed_on,
            search: single::Search::of_ticket(question),
        }
        .write(encoding),
        TaskBody::Bulk(question) => bulk::Request {
            head,
            confirmed_on: question.confirmed_on,
            searches: question.rows.iter().map(search).collect(),
        }
        .write(encoding),
        TaskBody::Commissioned(question) => commissioned::Request {
            head,
            month: question.month,
        }
        .write(encoding),
        TaskBody::HomeVisit(period) | TaskBody::Online(period) => consented::Request {
            head,
            service: match &task.body {
                TaskBody::Online(_) => consented::Service::Online,
                _ => consented::Service::HomeVisit,
            },
            basis: consented::Basis::Consent,
            from: period.from,
            to: period.to,
        }
        .write(encoding),
        TaskBody::Reference(question) => registration::Request {
            head,
            registration: registration(question),
        }
        .write(encoding),
        TaskBody::BulkReference(question) => registration::BulkRequest {
            head,
            registrations: question.rows.iter().map(registration).collect(),
        }
        .write(encoding),
        TaskBody::DrugInfo(question) => medical(
            head,
            &question.numbers,
            Wanted::Drugs {
                from: question.from,
                to: question.to,
                with_treatments: question.with_treatments,
            },
        )
        .write(encoding),
        TaskBody::CheckupInfo(question) => {
            medical(head, &question.numbers, Wanted::Checkups).write(encoding)
        }
    }
}

/// What a program's request asks, if it can be read and is about one person, a month or a period; lists of people are
/// the program's alone.
pub(crate) fn read(message: Message, bytes: &[u8]) -> Option<TaskBody> {
    let limits = &Limits::SINGLE;
    match message.family {
        Family::Single => single::Request::read(bytes, limits).ok().and_then(ticket),
        Family::Commissioned => {
            let asked = commissioned::Request::read(bytes, limits).ok()?;
            Some(TaskBody::Commissioned(CommissionedQuestion {
                month: asked.month,
            }))
        }
        Family::HomeVisit | Family::Online => {
            let asked = consented::Request::read(bytes, limits).ok()?;
            let period = PeriodQuestion {
                from: asked.from,
                to: asked.to,
            };
            Some(match message.family {
                Family::Online => TaskBody::Online(period),
                _ => TaskBody::HomeVisit(period),
            })
        }
        Family::Registration => {
            let asked = registration::Request::read(bytes, limits)
                .ok()?
                .registration;
            Some(TaskBody::Reference(ReferenceQuestion {
                reference_number: asked.reference_number.as_str().into(),
                numbers: QualificationNumbers {
                    insurer_number: asked.insurer_number,
                    symbol: asked.symbol,
                    number: asked.number,
                    branch: asked.branch,
                },
            }))
        }
        Family::Drugs | Family::Checkups => {
            let asked = medical::Request::read(bytes, limits).ok()?;
            let numbers = QualificationNumbers {
                insurer_number: asked.insurer_number,
                symbol: asked.symbol,
                number: asked.number,
                branch: asked.branch,
            };
            Some(match asked.wanted {
                Wanted::Drugs {
                    from,
                    to,
                    with_treatments,
                } => TaskBody::DrugInfo(DrugQuestion {
                    numbers,
                    from,
                    to,
                    with_treatments,
                }),
                Wanted::Checkups => TaskBody::CheckupInfo(CheckupQuestion { numbers }),
            })
        }
        Family::Bulk | Family::BulkRegistration => None,
    }
}

/// An inquiry by the numbers of an insurance card is none by a ticket.
fn ticket(asked: single::Request) -> Option<TaskBody> {
    let search = asked.search;
    let of_ticket = search.symbol.is_none() && search.branch.is_none();
    of_ticket.then(|| {
        TaskBody::Ticket(TicketQuestion {
            payer_number: search.insurer_number.as_str().into(),
            recipient_number: search.number.as_str().into(),
            birth_date: search.birth_date,
            confirmed_on: asked.confirmed_on,
        })
    })
}

fn search(row: &BulkRow) -> single::Search {
    let numbers = row.numbers.clone();
    single::Search {
        insurer_number: numbers.insurer_number,
        symbol: numbers.symbol,
        number: numbers.number,
        branch: numbers.branch,
        birth_date: row.birth_date,
        limit_certificate_consent: false,
        arbitrary_identifier: Some(row.identifier.clone()),
    }
}

fn registration(question: &ReferenceQuestion) -> Registration {
    let numbers = question.numbers.clone();
    Registration {
        reference_number: question.reference_number.as_str().to_owned(),
        insurer_number: numbers.insurer_number,
        symbol: numbers.symbol,
        number: numbers.number,
        branch: numbers.branch,
    }
}

/// XML, which can be looked into; a centre may answer with a PDF all the same.
fn medical(head: Head, numbers: &QualificationNumbers, wanted: Wanted) -> medical::Request {
    let numbers = numbers.clone();
    medical::Request {
        head,
        insurer_number: numbers.insurer_number,
        symbol: numbers.symbol,
        number: numbers.number,
        branch: numbers.branch,
        wanted,
        form: Form::Xml,
    }
}
