//! What a run settles.

use shikaku_schemas::event::{Event, MonthSettled};

use super::{MonthlySettlement, SettleMonth, SettlementRejection, SettlementTicket};

/// What a run makes of its month.
///
/// # Errors
/// The rule that forbids it; nothing is withdrawn then.
pub fn decide(
    state: &MonthlySettlement,
    command: &SettleMonth,
) -> Result<Vec<Event>, SettlementRejection> {
    if state.runs.iter().any(|run| run.run == command.run) {
        return Err(SettlementRejection::AlreadySettled);
    }
    if !command.complete {
        return Err(SettlementRejection::RunIncomplete);
    }
    let live = command.tickets.iter().filter(|it| !it.withdrawn).count();
    let vanished = missing(command).filter(|it| Some(it.last_seen) >= command.accepted);
    let (vanished, missing) = (vanished.count(), missing(command).count());
    if command.units == 0 && live > 0 {
        return Err(SettlementRejection::EmptyAnswer);
    }
    if vanished * 100 > live * usize::from(command.vanishing_percent) {
        return Err(SettlementRejection::TooManyVanished);
    }
    let withdrawn = withdrawals(state, command).len();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let of_run = |which: fn(&SettlementTicket) -> bool| {
        count(command.tickets.iter().filter(|it| which(it)).count())
    };
    Ok(vec![Event::MonthSettled(MonthSettled {
        month: command.month,
        run: command.run,
        arrived: of_run(|it| it.arrived),
        revised: of_run(|it| it.revised),
        withdrawn: count(withdrawn),
        waiting: command.waiting,
        missing: Some(count(missing - withdrawn)),
    })])
}

/// The tickets that the run withdraws, once [`decide`] settles it: neither it nor the complete run before it has
/// shown them, and nobody else since.
pub fn withdrawals<'a>(
    state: &MonthlySettlement,
    command: &'a SettleMonth,
) -> Vec<&'a SettlementTicket> {
    let (Some(_), Some(previous)) = (state.last(), command.previous_submitted) else {
        return Vec::new();
    };
    missing(command)
        .filter(|ticket| ticket.last_seen < previous)
        .collect()
}

/// Tickets that were seen before the run was submitted, and not since.
pub fn missing(command: &SettleMonth) -> impl Iterator<Item = &SettlementTicket> {
    let live = command.tickets.iter().filter(|ticket| !ticket.withdrawn);
    live.filter(|ticket| ticket.last_seen < command.submitted)
}

/// Records one event. Events of other streams change nothing.
pub fn evolve(state: &mut MonthlySettlement, event: &Event) {
    if let Event::MonthSettled(settled) = event {
        state.runs.push(settled.clone());
    }
}
