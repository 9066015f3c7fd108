//! Given, when, then: one test per rule.

use jiff::civil::date;
use shikaku_schemas::event::{Event, InquiryRequested, InquiryResolved, JobResult};
use shikaku_schemas::observation::{InquiryProgress, Progress, RequestForwarded};
use shikaku_schemas::task::{CommissionedQuestion, TaskBody, TicketQuestion};
use shikaku_schemas::value::{InquiryId, InquiryKind, Validity};
use uuid::Uuid;

use super::*;

const ID: InquiryId = InquiryId(Uuid::from_u128(9));

fn request() -> InquiryCommand {
    InquiryCommand::Request(InquiryRequested {
        inquiry: ID,
        kind: InquiryKind::Ticket,
        requested_by: "desk".to_owned(),
        purpose: "visit".to_owned(),
        payer_number: None,
        recipient_number: None,
        birth_date: None,
        on: date(2026, 5, 11),
        month: None,
        record: None,
        question: None,
        repeats: None,
        terminal: None,
        program: None,
    })
}

fn submit(file: &str) -> InquiryCommand {
    InquiryCommand::NoteSubmitted {
        terminal: "t1".to_owned(),
        file: file.to_owned(),
    }
}

fn answer() -> InquiryCommand {
    InquiryCommand::RecordAnswer {
        inquiry: Some(ID),
        validity: Some(Validity::Valid),
        record: None,
        part_of: None,
    }
}

fn refuse() -> InquiryCommand {
    InquiryCommand::RecordRejection {
        inquiry: Some(ID),
        code: Some("E1".to_owned()),
        message: None,
        lapsed: false,
        part_of: None,
    }
}

fn uncertain() -> InquiryCommand {
    InquiryCommand::NoteUncertain {
        reason: "no-answer".to_owned(),
    }
}

fn resolve() -> InquiryCommand {
    InquiryCommand::Resolve(InquiryResolved {
        inquiry: ID,
        by: "operator".to_owned(),
        note: "seen on the terminal".to_owned(),
    })
}

fn does(process: &mut InquiryProcess, command: InquiryCommand) -> Vec<Event> {
    let events = decide(process, command).unwrap();
    for event in &events {
        evolve(process, event);
    }
    events
}

fn given(commands: impl IntoIterator<Item = InquiryCommand>) -> InquiryProcess {
    let mut process = InquiryProcess::default();
    for command in commands {
        does(&mut process, command);
    }
    process
}

#[test]
fn it_is_requested_submitted_and_answered() {
    let process = given([request(), submit("a.xml"), answer()]);
    assert_eq!(process.state, InquiryState::Answered);
    assert_eq!(process.validity, Some(Validity::Valid));
}

#[test]
fn it_is_requested_once() {
    let process = given([request()]);
    assert_eq!(
        decide(&process, request()),
        Err(InquiryRejection::AlreadyRequested)
    );
}

#[test]
fn nothing_happens_to_what_nobody_asked() {
    let unknown = InquiryProcess::default();
    for command in [submit("a.xml"), answer(), refuse(), uncertain(), resolve()] {
        assert_eq!(
            decide(&unknown, command),
            Err(InquiryRejection::NeverRequested)
        );
    }
}

#[test]
fn a_single_inquiry_is_never_submitted_twice() {
    let process = given([request(), submit("a.xml")]);
    assert_eq!(decide(&process, submit("a.xml")), Ok(Vec::new()));
    assert_eq!(
        decide(&process, submit("b.xml")),
        Err(InquiryRejection::AlreadySubmitted)
    );
}

#[test]
fn an_answer_may_overtake_the_note_that_the_file_was_sent() {
    let process = given([request(), answer()]);
    assert_eq!(decide(&process, submit("a.xml")), Ok(Vec::new()));
}

#[test]
fn it_is_answered_once() {
    let process = given([request(), submit("a.xml"), answer()]);
    for command in [answer(), refuse()] {
        assert_eq!(
            decide(&process, command),
            Err(InquiryRejection::AlreadyAnswered)
        );
    }
    assert_eq!(
        decide(&process, uncertain()),
        Err(InquiryRejection::AlreadyOver)
    );
}

#[test]
fn a_refusal_of_the_centre_ends_it() {
    let process = given([request(), submit("a.xml"), refuse()]);
    assert_eq!(process.state, InquiryState::Rejected);
    assert!(process.state.is_over());
}

#[test]
fn it_times_out_only_while_it_was_not_taken() {
    for before in [vec![request()], vec![request(), submit("a.xml")]] {
        let process = given(before.into_iter().chain([InquiryCommand::NoteTimedOut]));
        assert_eq!(process.state, InquiryState::TimedOut);
        assert_eq!(
            decide(&process, InquiryCommand::NoteTimedOut),
            Ok(Vec::new())
        );
    }
    let taken = given([request(), submit("a.xml"), uncertain()]);
    assert_eq!(
        decide(&taken, InquiryCommand::NoteTimedOut),
        Err(InquiryRejection::AlreadyTaken)
    );
}

#[test]
fn a_late_answer_settles_an_uncertain_one() {
    for late in [answer(), refuse()] {
        let mut process = given([request(), submit("a.xml"), uncertain()]);
        let events = does(&mut process, late);
        assert_eq!(events.len(), 2);
        let Event::InquiryResolved(resolved) = &events[1] else {
            panic!("resolved behind the answer");
        };
        assert_eq!(resolved.by, "late-answer");
        assert_eq!(process.state, InquiryState::Resolved);
    }
}

#[test]
fn a_person_settles_only_an_uncertain_one() {
    let process = given([request(), submit("a.xml"), uncertain(), resolve()]);
    assert_eq!(process.state, InquiryState::Resolved);
    let process = given([request(), submit("a.xml")]);
    assert_eq!(
        decide(&process, resolve()),
        Err(InquiryRejection::NotUncertain)
    );
}

#[test]
fn what_a_person_settled_stays_settled_when_the_answer_still_comes() {
    let process = given([request(), submit("a.xml"), uncertain(), resolve(), answer()]);
    assert_eq!(process.state, InquiryState::Resolved);
    assert_eq!(process.validity, Some(Validity::Valid));
    assert_eq!(
        decide(&process, answer()),
        Err(InquiryRejection::AlreadyAnswered)
    );
}

#[test]
fn an_answer_nobody_asked_for_has_a_life_of_its_own() {
    let orphan = || InquiryCommand::RecordAnswer {
        inquiry: None,
        validity: Some(Validity::NotFound),
        record: None,
        part_of: None,
    };
    let process = given([orphan()]);
    assert_eq!(process.state, InquiryState::Answered);
    assert_eq!(
        decide(&process, orphan()),
        Err(InquiryRejection::AlreadyAnswered)
    );
    let refusal = given([InquiryCommand::RecordRejection {
        inquiry: None,
        code: None,
        message: None,
        lapsed: false,
        part_of: None,
    }]);
    assert_eq!(refusal.state, InquiryState::Rejected);
}

#[test]
fn a_bulk_job_is_accepted_and_polled() {
    let accept = || InquiryCommand::NoteAccepted {
        reception_number: "R1".to_owned(),
    };
    let mut process = given([request(), submit("a.xml"), accept()]);
    assert_eq!(does(&mut process, accept()), Vec::new());
    let told: usize = (1..=60)
        .map(|count| does(&mut process, polled("t1", Some(count))).len())
        .sum();
    assert_eq!(told, 6, "1, 2, 4, 8, 16, 32");
    assert_eq!((process.state, process.polls), (InquiryState::Accepted, 32));
    does(&mut process, InquiryCommand::RecordResult(result(3)));
    assert_eq!(process.state, InquiryState::Answered);
    assert_eq!(process.validity, None);
    assert_eq!(process.job, Some(result(3)));
    assert_eq!(
        decide(&process, InquiryCommand::RecordResult(result(3))),
        Err(InquiryRejection::AlreadyAnswered)
    );
}

fn polled(terminal: &str, count: Option<u32>) -> InquiryCommand {
    let terminal = terminal.to_owned();
    InquiryCommand::NotePolled { terminal, count }
}

fn result(units: u32) -> JobResult {
    JobResult {
        units,
        counts_agree: true,
        same_question: true,
        ..JobResult::default()
    }
}

fn job() -> InquiryCommand {
    let InquiryCommand::Request(mut asked) = request() else {
        unreachable!("it asks");
    };
    let month = "2026-05".parse().unwrap();
    asked.kind = InquiryKind::Commissioned;
    asked.question = Some(Box::new(TaskBody::Commissioned(CommissionedQuestion {
        month,
    })));
    InquiryCommand::Request(asked)
}

fn lapse() -> InquiryCommand {
    InquiryCommand::RecordRejection {
        inquiry: Some(ID),
        code: None,
        message: None,
        lapsed: true,
        part_of: None,
    }
}

#[test]
fn another_terminal_that_goes_on_with_a_job_is_known_at_once() {
    let accept = InquiryCommand::NoteAccepted {
        reception_number: "R1".to_owned(),
    };
    let mut process = given([job(), submit("a.xml"), accept, polled("t1", Some(8))]);
    does(&mut process, polled("t2", Some(1)));
    assert_eq!(process.terminal.as_deref(), Some("t2"));
    assert_eq!(does(&mut process, polled("t2", Some(2))), Vec::new());
}

#[test]
fn only_a_job_whose_reception_number_is_dead_is_asked_again_and_twice_at_most() {
    let next = InquiryId(Uuid::from_u128(10));
    let lapsed = given([job(), lapse()]);
    let again = repeat(&lapsed, next, 1).unwrap();
    assert_eq!((again.inquiry, again.repeats), (next, Some(ID)));
    let forbidden = Err(InquiryRejection::NotRepeatable);
    assert_eq!(repeat(&lapsed, next, REPEATS_AT_MOST), forbidden);
    assert_eq!(repeat(&given([job(), refuse()]), next, 0), forbidden);
    assert_eq!(repeat(&given([request(), lapse()]), next, 0), forbidden);
}

#[test]
fn progress_of_an_adapter_becomes_a_command() {
    let note = |progress| InquiryProgress {
        inquiry: ID,
        progress,
        file: Some("a.xml".to_owned()),
        reception_number: Some("20260511000123".to_owned()),
        count: None,
        refusal: None,
    };
    let noted = |progress| InquiryCommand::from_progress(&note(progress), "t1");
    let command = |progress| noted(progress).expect("a command");
    assert_eq!(noted(Progress::Received), None);
    let process = given([request(), command(Progress::Accepted)]);
    assert_eq!(process.reception_number.as_deref(), Some("20260511000123"));
    assert_eq!(command(Progress::Submitted), submit("a.xml"));
    assert_eq!(command(Progress::TimedOut), InquiryCommand::NoteTimedOut);
    assert_eq!(command(Progress::Uncertain), uncertain());
    let process = given([request(), command(Progress::Refused)]);
    assert_eq!(process.state, InquiryState::Rejected);
}

fn of_program(function: &str, progress: Progress) -> RequestForwarded {
    let ticket = TaskBody::Ticket(TicketQuestion {
        payer_number: "12997151".into(),
        recipient_number: "3200011".into(),
        birth_date: date(1971, 1, 2),
        confirmed_on: date(2026, 5, 10),
    });
    let commissioned = TaskBody::Commissioned(CommissionedQuestion {
        month: "2026-05".parse().unwrap(),
    });
    RequestForwarded {
        program: "receipt-a".to_owned(),
        function: function.to_owned(),
        question: match function {
            "OQSsiquc" => Some(Box::new(ticket)),
            "OQSmutic" => Some(Box::new(commissioned)),
            _ => None,
        },
        progress: InquiryProgress {
            inquiry: ID,
            progress,
            file: Some("a.xml".to_owned()),
            reception_number: Some("R1".to_owned()),
            count: None,
            refusal: None,
        },
    }
}

/// What is recorded when these steps are told of one request.
fn told(function: &str, steps: &[Progress]) -> (InquiryProcess, Vec<&'static str>) {
    let mut process = InquiryProcess::default();
    let mut kinds = Vec::new();
    for step in steps {
        let told = of_program(function, *step);
        let events = forwarded(&process, &told, "t1", date(2026, 5, 11)).unwrap_or_default();
        for event in &events {
            evolve(&mut process, event);
            kinds.push(event.kind());
        }
    }
    (process, kinds)
}

#[test]
fn a_programs_request_is_an_inquiry_of_that_program() {
    let twice = [Progress::Submitted, Progress::Submitted];
    let (mut process, kinds) = told("OQSsiquc", &twice);
    assert_eq!(kinds, ["inquiry-requested", "inquiry-submitted"]);
    let asked = process.requested.clone().unwrap();
    assert_eq!(asked.kind, InquiryKind::Ticket);
    assert_eq!(asked.requested_by, "receipt-a");
    assert_eq!(asked.program.as_deref(), Some("receipt-a"));
    assert_eq!(asked.terminal.as_deref(), Some("t1"));
    assert_eq!(asked.payer_number, Some("12997151".into()));
    assert_eq!(asked.on, date(2026, 5, 10), "as the request says");
    assert_eq!(does(&mut process, answer()).len(), 1);
    assert_eq!(process.state, InquiryState::Answered);
}

#[test]
fn whatever_is_heard_first_of_a_programs_request_opens_it_and_a_late_answer_lands() {
    let (mut process, kinds) = told("OQSsiquc", &[Progress::Uncertain]);
    assert_eq!(kinds, ["inquiry-requested", "inquiry-uncertain"]);
    let events = does(&mut process, answer());
    assert_eq!(events.len(), 2, "and it is resolved by it");
    let (process, kinds) = told("YZKsiquc", &[Progress::TimedOut]);
    assert_eq!(kinds, ["inquiry-requested", "inquiry-timed-out"]);
    let asked = process.requested.unwrap();
    assert_eq!(
        (asked.kind, asked.on),
        (InquiryKind::DrugInfo, date(2026, 5, 11))
    );
}

#[test]
fn a_programs_job_ends_with_its_result_and_is_never_asked_anew() {
    let steps = [
        Progress::Submitted,
        Progress::Accepted,
        Progress::Polled,
        Progress::Received,
        Progress::Received,
    ];
    let (process, kinds) = told("OQSmutic", &steps);
    let expected = [
        "inquiry-requested",
        "inquiry-submitted",
        "inquiry-accepted",
        "inquiry-polled",
        "inquiry-answered",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(process.job, None, "it settles no month");
    let lapsed = [Progress::Submitted, Progress::Accepted, Progress::Lapsed];
    let (process, _) = told("OQSmutic", &lapsed);
    let next = InquiryId(Uuid::from_u128(10));
    assert!(process.lapsed);
    assert_eq!(
        repeat(&process, next, 0),
        Err(InquiryRejection::NotRepeatable)
    );
}

#[test]
fn a_function_that_no_inquiry_is_of_is_not_recorded() {
    let told = of_program("EPSsiabc", Progress::Submitted);
    assert_eq!(
        forwarded(&InquiryProcess::default(), &told, "t1", date(2026, 5, 11)),
        Err(InquiryRejection::NeverRequested)
    );
}
