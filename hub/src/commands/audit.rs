//! `audit verify`: the whole ledger against its proof.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use shikaku_ledger::{VerifyProgress, VerifyReport};

use crate::answer::{self, Exit, Outcome, Standing};
use crate::cli::Audit;
use crate::config::Config;
use crate::{stores, words};

/// Exit 0 when all holds, 1 with the first bad position.
pub async fn run(config: &Config, what: Audit, json: bool) -> Outcome {
    let Audit::Verify = what;
    let (ledger, _key) = stores::open_read_only(config).await?;
    let standing = stores::standing(&ledger, None).await?;
    let bar = ProgressBar::new(standing.position.0);
    bar.set_style(
        ProgressStyle::with_template("{bar:32} {pos}/{len}  {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let report = ledger
        .verify(|progress: VerifyProgress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await
        .context("検証できません / cannot be verified")?;
    bar.finish_and_clear();
    show(&standing, &report, json)?;
    Ok(if report.first_bad.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn show(standing: &Standing, report: &VerifyReport, json: bool) -> anyhow::Result<()> {
    let bad = report.first_bad.as_ref();
    if json {
        let answer = standing.around(json!({
            "holds": bad.is_none(),
            "events": report.events,
            "erased": report.erased,
            "heads": report.heads,
            "voided": report.voided,
            "last_signed": report.last_signed,
            "root": report.root,
            "first_bad": bad.map(|bad| json!({ "position": bad.position, "reason": bad.reason })),
        }))?;
        return answer::json_line(&answer);
    }
    match bad {
        None => answer::line(format!("{}", words::HOLDS))?,
        Some(bad) => answer::line(format!(
            "{}: {} {} ({})",
            words::BROKEN,
            words::POSITION,
            bad.position,
            bad.reason
        ))?,
    }
    let mut table = answer::table(&[words::KEY, words::VALUE]);
    table.add_row([
        "store",
        &format!("{} / {}", standing.store.store_id, standing.store.epoch),
    ]);
    table.add_row(["events", &report.events.to_string()]);
    table.add_row(["erased", &report.erased.to_string()]);
    table.add_row(["signed heads", &report.heads.to_string()]);
    table.add_row(["void heads", &report.voided.to_string()]);
    table.add_row(["last signed", &report.last_signed.to_string()]);
    table.add_row(["root", &report.root]);
    answer::show(&table)?;
    Ok(())
}
