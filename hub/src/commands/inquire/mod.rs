//! `inquire`: asks the centre through a terminal, waits, lists, settles. One file a family of inquiries.

mod bulk;
mod list;
mod medical;
mod outside;
mod period;
mod reference;
mod show;
mod ticket;
pub mod wait;

use shikaku_core::query::Outside;
use shikaku_schemas::command::{Command, CommandReply};
use shikaku_schemas::value::{ConsentScope, FacilityCode, InquiryId};

use crate::answer::{Exit, Outcome, Refused};
use crate::cli::Inquire;
use crate::config::Config;
use crate::{client, commands, stores, words};

/// Ask, list, look, settle.
pub async fn run(config: &Config, what: Inquire, json: bool) -> Outcome {
    match what {
        Inquire::Ticket(asked) => ticket::run(config, asked, json).await,
        Inquire::Bulk(asked) => bulk::run(config, asked, json).await,
        Inquire::Commissioned(asked) => period::commissioned(config, asked, json).await,
        Inquire::DrugInfo(asked) => medical::run(config, asked, ConsentScope::Drug, json).await,
        Inquire::TreatmentInfo(asked) => {
            medical::run(config, asked, ConsentScope::Treatment, json).await
        }
        Inquire::CheckupInfo(asked) => {
            medical::run(config, asked, ConsentScope::Checkup, json).await
        }
        Inquire::Reference(asked) => reference::run(config, asked, json).await,
        Inquire::LimitCertificate(asked) => {
            outside::run(config, asked, Outside::LimitCertificate, json).await
        }
        Inquire::ClaimTransfer(asked) => {
            outside::run(config, asked, Outside::ClaimTransfer, json).await
        }
        Inquire::HomeVisit(asked) => period::period(config, asked, false, json).await,
        Inquire::Online(asked) => period::period(config, asked, true, json).await,
        Inquire::List(at_least) => show::list(config, at_least, json).await,
        Inquire::Show { id, at_least } => show::one(config, id, at_least, json).await,
        Inquire::Resolve { id, note } => {
            let inquiry = InquiryId(id);
            let command = Command::ResolveInquiry { inquiry, note };
            commands::reply::show(&client::command(config, command).await?, json)
        }
    }
}

/// Gives the command; with `wait`, ends with the answer of the inquiry that it made.
async fn ask(config: &Config, command: Command, wait: bool, json: bool) -> Outcome {
    let is_job = matches!(
        command,
        Command::InquireCommissioned(_) | Command::InquirePeriod(_)
    );
    let reply = client::command(config, command).await?;
    let CommandReply::Done { id: Some(id), .. } = &reply else {
        return commands::reply::show(&reply, json);
    };
    let inquiry = InquiryId(*id);
    if !wait {
        return commands::reply::show(&reply, json);
    }
    let (ledger, queries) = stores::questions(config).await?;
    let view = match is_job {
        true => wait::wait_for_job(config, &queries, inquiry).await?,
        false => wait::wait_for(config, &queries, inquiry).await?,
    };
    show::view(&ledger, &queries, &view, json).await?;
    Ok(exit(view.state))
}

/// A facility of the configuration.
fn facility(config: &Config, code: String) -> anyhow::Result<FacilityCode> {
    let facility = FacilityCode(code);
    match config.group.facility(&facility) {
        Some(_) => Ok(facility),
        None => Err(Refused::from(words::NO_SUCH_FACILITY).into()),
    }
}

/// 0 for any answer of the centre, 1 for none, 3 when a person has to look.
fn exit(state: &str) -> Exit {
    match state {
        "answered" | "resolved" => Exit::Done,
        "uncertain" => Exit::Uncertain,
        _ => Exit::Failed,
    }
}
