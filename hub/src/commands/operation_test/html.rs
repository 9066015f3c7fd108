//! The report as one page: nothing is loaded from elsewhere, and every text is escaped.

use std::fmt::Write as _;

use super::report::{Report, ScenarioReport, State, StepReport};
use crate::answer;
use crate::words::{self, Words};

const STYLE: &str = "body{font-family:'Noto Sans CJK JP','Noto Sans JP','Yu Gothic',Meiryo,sans-serif;color:#1b1b1b;\
margin:2rem auto;max-width:64rem;padding:0 1rem;line-height:1.5}h1{font-size:1.5rem;margin:0 0 .5rem}\
h2{font-size:1.05rem;margin:1.6rem 0 .4rem;break-after:avoid}.section{color:#555;font-weight:normal;font-size:.85rem}\
table{border-collapse:collapse;width:100%;table-layout:fixed;font-size:.85rem;break-inside:avoid}\
th,td{border:1px solid #b9b9b9;padding:.35rem .5rem;text-align:left;vertical-align:top}\
th{background:#f1f1f1}th:nth-child(1){width:26%}th:nth-child(2){width:18%}th:nth-child(3){width:23%}th:nth-child(4){width:15%}td.state{font-weight:bold}.passed{color:#0a6b2d}.failed{color:#b00020}\
.attested{color:#0b4f9e}.not-done{color:#7a5200}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;\
font-size:.9rem}dt{color:#555}dd{margin:0}code{font-size:.75rem;overflow-wrap:anywhere}\
.sum{display:flex;gap:1.5rem;margin:1rem 0;font-size:1.05rem}.sign{margin-top:2.5rem;display:flex;gap:3rem}\
.sign div{border-top:1px solid #555;padding-top:.3rem;min-width:14rem;font-size:.85rem}\
@media print{body{margin:0;max-width:none}@page{margin:14mm}}";

/// The page.
pub fn page(report: &Report) -> String {
    let mut page = String::with_capacity(32 << 10);
    let title = words::OPERATION_TEST;
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<title>{}</title><style>{STYLE}</style></head><body><h1>{}</h1>",
        escape(title.ja),
        escape(&title.to_string()),
    );
    head(&mut page, report);
    for scenario in &report.scenarios {
        section(&mut page, scenario);
    }
    let _ = writeln!(
        page,
        "<div class=\"sign\"><div>{}</div><div>{}</div></div></body></html>",
        escape(&words::SIGNED_FACILITY.to_string()),
        escape(&words::SIGNED_VENDOR.to_string()),
    );
    page
}

fn head(page: &mut String, report: &Report) {
    page.push_str("<dl>");
    let mut row = |words: Words, value: &str| {
        let _ = write!(
            page,
            "<dt>{}</dt><dd>{}</dd>",
            escape(&words.to_string()),
            escape(value)
        );
    };
    let facility = format!("{} {}", report.facility, report.name);
    let period = format!(
        "{} 〜 {}",
        answer::time(report.started_at),
        answer::time(report.ended_at)
    );
    row(words::FACILITY, &facility);
    row(words::TERMINAL, &report.terminals.join(", "));
    row(words::TIME, &period);
    row(words::RUN_BY, &report.run_by);
    row(words::VERSION, report.version);
    let _ = write!(page, "</dl><div class=\"sum\">");
    for state in [
        State::Passed,
        State::Attested,
        State::NotDone,
        State::Failed,
    ] {
        let _ = write!(
            page,
            "<span class=\"{}\">{} {}</span>",
            class(state),
            escape(&words_of(state).to_string()),
            report.count(state)
        );
    }
    let _ = write!(page, "</div>");
}

fn section(page: &mut String, scenario: &ScenarioReport) {
    let _ = write!(
        page,
        "<h2 id=\"{}\">{} <span class=\"section\">{}</span></h2><table><thead><tr>",
        escape(scenario.id),
        escape(&scenario.title),
        escape(scenario.section)
    );
    for words in [
        words::STEP,
        words::EXPECTED,
        words::SEEN,
        words::STATE,
        words::EVIDENCE,
    ] {
        let _ = write!(page, "<th>{}</th>", escape(&words.to_string()));
    }
    let _ = write!(page, "</tr></thead><tbody>");
    for step in &scenario.steps {
        line(page, step);
    }
    let _ = write!(page, "</tbody></table>");
}

fn line(page: &mut String, step: &StepReport) {
    let attested = step.attested.as_ref().map_or_else(String::new, |who| {
        format!("<br>{} {}", escape(&who.by), escape(&answer::time(who.at)))
    });
    let evidence: Vec<String> = step.evidence.iter().map(|it| escape(it)).collect();
    let _ = write!(
        page,
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"state {}\">{}{attested}</td><td><code>{}</code></td></tr>",
        escape(&step.step),
        escape(&step.expected),
        escape(&step.seen),
        class(step.state),
        escape(&words_of(step.state).to_string()),
        evidence.join("<br>"),
    );
}

/// A state in words.
pub fn words_of(state: State) -> Words {
    match state {
        State::Passed => words::PASSED,
        State::Failed => words::FAILED,
        State::Attested => words::ATTESTED,
        State::NotDone => words::NOT_DONE,
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Passed => "passed",
        State::Failed => "failed",
        State::Attested => "attested",
        State::NotDone => "not-done",
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn whatever_the_centre_said_is_text_and_no_page_is_loaded_from_elsewhere() {
        let step = StepReport {
            step: "s".to_owned(),
            expected: "e".to_owned(),
            seen: "<script>alert('x')</script> & \"y\"".to_owned(),
            state: State::Failed,
            evidence: vec!["<b>".to_owned()],
            attested: None,
        };
        let report = Report {
            guide: "5.4",
            facility: "1319912349".to_owned(),
            name: "見本<病院>".to_owned(),
            terminals: vec!["t1".to_owned()],
            version: "0",
            run_by: "somebody".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
            scenarios: vec![ScenarioReport {
                id: "x",
                section: "5.4",
                title: "t".to_owned(),
                steps: vec![step],
            }],
        };
        let page = page(&report);
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<病院>"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
        assert_eq!(page.matches("<dl>").count(), 1);
        assert_eq!(page.matches("</dl>").count(), 1);
    }
}
