//! Settling a month: what the aggregate decides, what it withdraws, and the case where a person has to look.

use std::collections::BTreeSet;

use shikaku_domain::identity::case::{self, CaseCommand, CaseState};
use shikaku_domain::patient::{self, PatientCommand, WithdrawTicket};
use shikaku_domain::settlement::{self, SettleMonth, SettlementRejection, withdrawals};
use shikaku_ledger::{CaseChange, Draft};
use shikaku_schemas::event::{CaseReason, IdentityCaseOpened};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{
    CaseId, FacilityCode, InquiryId, Month, Position, RecordId, StreamId,
};
use uuid::Uuid;

use super::context::Context;
use super::needs::Needs;
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};
use crate::settlement::Settle;

/// Namespace of cases of months.
const MONTHS: Uuid = Uuid::from_u128(0x3c1b_7f20_55d9_5c0f_8a64_91be_07d2_4e11);

/// Records named in a case at most.
const NAMED: usize = 100;

/// The case that a run in question opens, so that closing it speaks of what that run did not show, and of no more.
fn case_of(facility: &FacilityCode, month: Month, run: InquiryId) -> CaseId {
    let name = format!("{facility}|{month}|{run}");
    CaseId(Uuid::new_v5(&MONTHS, name.as_bytes()))
}

fn stream_of(facility: &FacilityCode, month: Month) -> StreamId {
    StreamId::from(format!("settlement-{facility}-{month}").as_str())
}

impl Needs {
    /// The month, the cases of its runs, and the records of what may be withdrawn.
    pub(super) fn settle(&mut self, order: &Settle) {
        let (facility, command) = (&order.facility, &order.command);
        self.streams.insert(stream_of(facility, command.month));
        let earlier = order.earlier.iter().map(|(run, _)| *run);
        let cases = earlier.chain([command.run]);
        let cases = cases.map(|run| StreamId::case(case_of(facility, command.month, run)));
        self.streams.extend(cases);
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
        let (accepted, asked) = looked_at(set, order);
        let command = SettleMonth {
            accepted,
            ..order.command.clone()
        };
        let events = match settlement::decide(&state, &command) {
            Ok(events) => events,
            Err(
                rule @ (SettlementRejection::EmptyAnswer | SettlementRejection::TooManyVanished),
            ) => {
                tracing::warn!(rule = rule.rule(), month = %command.month, "a month is not settled");
                return in_question(set, facility, &command, asked.max(accepted), rule);
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

/// Up to where a person says that what was missing is gone, and up to where one is still asked.
fn looked_at(set: &mut WorkingSet, order: &Settle) -> (Option<Position>, Option<Position>) {
    let (mut gone, mut asked) = (None, None);
    for (run, submitted) in &order.earlier {
        let case = case_of(&order.facility, order.command.month, *run);
        match set.stream(&StreamId::case(case)).case() {
            CaseState::Closed { gone: true, .. } => gone = gone.max(Some(*submitted)),
            CaseState::Open { .. } => asked = asked.max(Some(*submitted)),
            CaseState::Closed { .. } | CaseState::Unknown => {}
        }
    }
    (gone, asked)
}

/// Opens the run's case, unless a person knows already of all that is missing.
fn in_question(
    set: &mut WorkingSet,
    facility: &FacilityCode,
    command: &SettleMonth,
    known: Option<Position>,
    rule: SettlementRejection,
) -> Verdict {
    let missing = || settlement::missing(command);
    if missing().all(|ticket| Some(ticket.last_seen) < known) {
        return nothing(rule.rule());
    }
    let records: BTreeSet<RecordId> = missing().map(|ticket| ticket.record).collect();
    let opened = IdentityCaseOpened {
        case: case_of(facility, command.month, command.run),
        reason: CaseReason::TicketsVanished,
        facility: facility.clone(),
        observation_id: None,
        candidates: records.into_iter().take(NAMED).collect(),
    };
    let stream = StreamId::case(opened.case);
    let state = set.stream(&stream).case();
    let Ok(events) = case::decide(&state, CaseCommand::Open(opened.clone())) else {
        return nothing(rule.rule());
    };
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
            candidates: opened.candidates,
        }],
        ..Effects::default()
    });
    Verdict::committed(CommitOutcome::Recorded, Some(rule.rule().to_owned()))
}
