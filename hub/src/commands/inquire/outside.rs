//! `inquire limit-certificate|claim-transfer`: refused for 医療扶助 with the guide's section; of insurance, what
//! the record holds is shown.

use serde_json::json;
use shikaku_core::query::{Outside, Who};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::value::{PatientNumber, jst_day};

use super::facility;
use crate::answer::{self, Exit, Outcome};
use crate::cli::InquireOutside;
use crate::config::Config;
use crate::{stores, words};

/// Tells of the insurance that keeps it.
pub async fn run(config: &Config, asked: InquireOutside, what: Outside, json: bool) -> Outcome {
    let facility = facility(config, asked.facility)?;
    let (ledger, queries) = stores::questions(config).await?;
    let who = Who::Patient(PatientNumber(asked.patient));
    let today = jst_day(SystemClock.now());
    let kept = queries.outside(&facility, &who, what, today).await;
    let kept = match kept.map_err(stores::unanswered)? {
        Ok(kept) => kept,
        Err(refused) if json => {
            let refusal =
                json!({ "result": "refused", "rule": refused.rule, "message": refused.message });
            answer::json_line(&refusal)?;
            return Ok(Exit::Failed);
        }
        Err(refused) => {
            eprintln!(
                "shikaku: {}: {} [{}]",
                words::REFUSED,
                refused.message,
                refused.rule
            );
            return Ok(Exit::Failed);
        }
    };
    if json {
        let standing = stores::standing(&ledger, None).await?;
        answer::json_line(&standing.around(json!({ "insurance": kept }))?)?;
        return Ok(Exit::Done);
    }
    for insurance in &kept {
        let held = [
            insurance.limit_certificate.is_some(),
            !insurance.specific_diseases.is_empty(),
            insurance.elderly_certificate.is_some(),
        ];
        let names = [
            words::LIMIT_CERTIFICATE,
            words::SPECIFIC_DISEASES,
            words::ELDERLY_CERTIFICATE,
        ];
        let insurer = insurance.insurer_name.as_deref().unwrap_or_default();
        answer::line(format!("{}: {insurer}", words::INSURANCE_KEEPS))?;
        for (name, _) in names.iter().zip(held).filter(|(_, held)| *held) {
            answer::line(format!("  {name}"))?;
        }
    }
    Ok(Exit::Done)
}
