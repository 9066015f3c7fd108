//! Settling a month: what the aggregate decides, what it withdraws, and the case where a person has to look.

use shikaku_domain::identity::case::{self, CaseCommand, CaseState};
use shikaku_domain::patient::{self, PatientCommand, WithdrawTicket};
use shikaku_domain::settlement::{self, SettleMonth, SettlementRejection, withdrawals};
use shikaku_ledger::{CaseChange, Draft};
use shikaku_schemas::event::{CaseReason, IdentityCaseOpened};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, FacilityCode, Month, StreamId};
use uuid::Uuid;

use super::context::Context;
use super::needs::Needs;
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};
use crate::settlement::Settle;

/// Namespace of cases of months.
const MONTHS: Uuid = Uuid::from_u128(0x3c1b_7f20_55d9_5c0f_8a64_91be_07d2_4e11);

/// The case of a month: there is one at most, and closing it says that what vanished is gone indeed.
fn case_of(facility: &FacilityCode, month: Month) -> CaseId {
    let name = format!("{facility}|{month}");
    CaseId(Uuid::new_v5(&MONTHS, name.as_bytes()))
}

fn stream_of(facility: &FacilityCode, month: Month) -> StreamId {
    StreamId::from(format!("settlement-{facility}-{month}").as_str())
}

impl Needs {
    /// The month, its case, and the records of what may be withdrawn.
    pub(super) fn settle(&mut self, order: &Settle) {
        let (facility, command) = (&order.facility, &order.command);
        self.streams.insert(stream_of(facility, command.month));
        let case = case_of(facility, command.month);
        self.streams.insert(StreamId::case(case));
        if let Some(previous) = command.previous_submitted {
            let gone = command.tickets.iter().filter(|it| it.last_seen < previous);
            self.streams
                .extend(gone.map(|it| StreamId::patient(it.record)));
        }
    }
}

impl Context {
    /// Settles a month by one run, or says why not.
    pub(super) fn settle_month(&self, set: &mut WorkingSet, order: &Settle) -> Verdict {
        let facility = &order.facility;
        let stream = stream_of(facility, order.command.month);
        let state = set.stream(&stream).settlement();
        let case = StreamId::case(case_of(facility, order.command.month));
        let looked = set.stream(&case).case();
        let command = SettleMonth {
            accepted: matches!(looked, CaseState::Closed { .. }),
            ..order.command.clone()
        };
        let events = match settlement::decide(&state, &command) {
            Ok(events) => events,
            Err(
                rule @ (SettlementRejection::EmptyAnswer | SettlementRejection::TooManyVanished),
            ) => {
                tracing::warn!(rule = rule.rule(), month = %command.month, "a month is not settled");
                return in_question(set, facility, command.month, &looked, rule);
            }
            Err(rule) => return nothing(rule.rule()),
        };
        let gone = withdrawals(&state, &command);
        let changed = gone.iter().any(|ticket| {
            set.stream(&StreamId::patient(ticket.record)).version != ticket.record_version
        });
        if changed {
            return nothing("changed-meanwhile");
        }
        let runs: Vec<_> = state
            .last()
            .map(|run| run.run)
            .into_iter()
            .chain([command.run])
            .collect();
        let mut effects = Effects::default();
        for ticket in gone {
            let withdraw = PatientCommand::WithdrawTicket(WithdrawTicket {
                facility: facility.clone(),
                key: ticket.key.clone(),
                runs: runs.clone(),
            });
            // An erased record has nothing left to withdraw.
            let events = patient::decide(set.patient(ticket.record), withdraw).unwrap_or_default();
            effects.drafts.extend(events.into_iter().map(|event| Draft {
                facility: Some(facility.clone()),
                patient: Some(ticket.record),
                ..Draft::new(event, StreamId::patient(ticket.record), 0)
            }));
        }
        effects.drafts.extend(events.into_iter().map(|event| Draft {
            facility: Some(facility.clone()),
            ..Draft::new(event, stream.clone(), 0)
        }));
        set.apply(effects);
        Verdict::committed(CommitOutcome::Recorded, None)
    }
}

fn nothing(rule: &str) -> Verdict {
    Verdict::committed(CommitOutcome::NothingNew, Some(rule.to_owned()))
}

/// Opens the month's case, unless it is open, or closed and the answer empty all the same.
fn in_question(
    set: &mut WorkingSet,
    facility: &FacilityCode,
    month: Month,
    known: &CaseState,
    rule: SettlementRejection,
) -> Verdict {
    let opened = IdentityCaseOpened {
        case: case_of(facility, month),
        reason: CaseReason::TicketsVanished,
        facility: facility.clone(),
        observation_id: None,
        candidates: Vec::new(),
    };
    let Ok(events) = case::decide(known, CaseCommand::Open(opened.clone())) else {
        return nothing(rule.rule());
    };
    let stream = StreamId::case(opened.case);
    let drafts = events.into_iter().map(|event| Draft {
        facility: Some(facility.clone()),
        ..Draft::new(event, stream.clone(), 0)
    });
    set.apply(Effects {
        drafts: drafts.collect(),
        cases: vec![CaseChange::Opened {
            case: opened.case,
            facility: opened.facility,
            reason: opened.reason,
            observation_id: None,
            candidates: Vec::new(),
        }],
        ..Effects::default()
    });
    Verdict::committed(CommitOutcome::Recorded, Some(rule.rule().to_owned()))
}
