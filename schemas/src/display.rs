//! How an answer is shown: figures 2.2.1-10 (医療扶助単独) and 2.2.1-11 (併用) of the guide as one total function.
//!
//! Each figure has four rows (how it was checked) and four columns (what was found). 24 cells are drawn. The
//! eight that are not must not happen; if one does, the answer is kept, shown raw and raises an alert. What the
//! figures do not know at all has a named row of its own. The whole table is `samples/display/table.txt`.

mod named;

use named::{
    inconsistent, insurance_only, local_copy, multiple, not_drawn, not_found, other_institution,
    rejected, without_ticket,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Verified;
use crate::value::{Coverage, Method, Validity};

/// What was found, as far as it decides what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Situation {
    /// Of the leading half.
    pub validity: Validity,
    /// Which halves there are.
    pub coverage: Coverage,
    /// The month's ticket is another institution's.
    pub other_institution: bool,
    /// 資格あり・券なし.
    pub without_ticket: bool,
    /// The answer contradicts itself.
    pub inconsistent: bool,
}

impl Situation {
    /// Nothing but a validity and a coverage.
    pub fn plain(validity: Validity, coverage: Coverage) -> Self {
        Self {
            validity,
            coverage,
            other_institution: false,
            without_ticket: false,
            inconsistent: false,
        }
    }
}

impl From<&Verified> for Situation {
    fn from(verified: &Verified) -> Self {
        Self {
            validity: verified.validity,
            coverage: verified.coverage,
            other_institution: verified.other_institution,
            without_ticket: verified.without_ticket,
            inconsistent: verified.inconsistent,
        }
    }
}

/// Which blocks a screen may show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shows {
    /// 公費負担者番号, 受給者番号.
    pub numbers: bool,
    /// Name, birth date, welfare office and dates.
    pub basic: bool,
    /// 医療券/調剤券.
    pub tickets: bool,
    /// The insurance half in full.
    pub insurance: bool,
    /// The last qualification that was known, as reference.
    pub last_qualification: bool,
    /// That a newer qualification exists.
    pub newer_notice: bool,
    /// What was received, as it stands, with an alert.
    pub raw: bool,
}

impl Shows {
    /// Names of the blocks shown, in order.
    pub fn blocks(self) -> Vec<&'static str> {
        [
            (self.numbers, "numbers"),
            (self.basic, "basic"),
            (self.tickets, "tickets"),
            (self.insurance, "insurance"),
            (self.last_qualification, "last-qualification"),
            (self.newer_notice, "newer-notice"),
            (self.raw, "raw"),
        ]
        .into_iter()
        .filter_map(|(shown, name)| shown.then_some(name))
        .collect()
    }
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Display {
    /// Stable name of the cell or row.
    pub code: &'static str,
    /// For people.
    pub japanese: String,
    /// The same in English.
    pub english: String,
    /// Whether the guide draws this cell.
    pub drawn: bool,
    /// Which blocks.
    pub shows: Shows,
}

/// Row of a figure.
#[derive(Clone, Copy)]
enum Row {
    Card,
    Ticket,
    Bulk,
    Commissioned,
}

/// Column of a figure.
#[derive(Clone, Copy)]
enum Column {
    Valid,
    NotCommissioned,
    Lost,
    LostWithNewer,
}

/// What to show for an answer.
pub fn display(method: Method, situation: Situation) -> Display {
    let row = match method {
        Method::LocalCopy => return local_copy(),
        // Both read a card, away from the desk.
        Method::Card | Method::HomeVisit | Method::Online => Row::Card,
        Method::Ticket => Row::Ticket,
        Method::Bulk => Row::Bulk,
        Method::Commissioned => Row::Commissioned,
    };
    let column = match situation.validity {
        Validity::Rejected => return rejected(),
        _ if situation.inconsistent => return inconsistent(),
        Validity::NotFound => return not_found(),
        Validity::Multiple => return multiple(),
        Validity::Valid => Column::Valid,
        Validity::NotCommissioned => Column::NotCommissioned,
        Validity::Lost => Column::Lost,
        Validity::LostWithNewer => Column::LostWithNewer,
    };
    match (column, situation.coverage) {
        (Column::NotCommissioned, Coverage::InsuranceOnly) => inconsistent(),
        (column, Coverage::InsuranceOnly) => insurance_only(column),
        (Column::Valid, coverage) if situation.other_institution => {
            other_institution(insurance_beside(row, coverage))
        }
        (Column::Valid, coverage) if situation.without_ticket => {
            without_ticket(insurance_beside(row, coverage))
        }
        (column, coverage) => cell(row, column, coverage),
    }
}

/// Only a card's answer tells the insurance half too.
fn insurance_beside(row: Row, coverage: Coverage) -> bool {
    coverage == Coverage::Combined && matches!(row, Row::Card)
}

/// What to show for a stored verification.
pub fn display_verified(verified: &Verified) -> Display {
    display(verified.method, Situation::from(verified))
}

const CODES: [[[&str; 4]; 4]; 3] = [
    [
        [
            "assistance-only-card-valid",
            "assistance-only-card-not-commissioned",
            "assistance-only-card-lost",
            "not-drawn",
        ],
        [
            "assistance-only-ticket-valid",
            "assistance-only-ticket-not-commissioned",
            "assistance-only-ticket-lost",
            "assistance-only-ticket-lost-with-newer",
        ],
        [
            "assistance-only-bulk-valid",
            "assistance-only-bulk-not-commissioned",
            "assistance-only-bulk-lost",
            "assistance-only-bulk-lost-with-newer",
        ],
        [
            "assistance-only-commissioned-valid",
            "not-drawn",
            "not-drawn",
            "not-drawn",
        ],
    ],
    [
        [
            "combined-card-valid",
            "combined-card-not-commissioned",
            "combined-card-lost",
            "not-drawn",
        ],
        [
            "combined-ticket-valid",
            "combined-ticket-not-commissioned",
            "combined-ticket-lost",
            "combined-ticket-lost-with-newer",
        ],
        [
            "combined-bulk-valid",
            "combined-bulk-not-commissioned",
            "combined-bulk-lost",
            "combined-bulk-lost-with-newer",
        ],
        [
            "combined-commissioned-valid",
            "not-drawn",
            "not-drawn",
            "not-drawn",
        ],
    ],
    [
        [
            "coverage-unknown-card-valid",
            "coverage-unknown-card-not-commissioned",
            "coverage-unknown-card-lost",
            "not-drawn",
        ],
        [
            "coverage-unknown-ticket-valid",
            "coverage-unknown-ticket-not-commissioned",
            "coverage-unknown-ticket-lost",
            "coverage-unknown-ticket-lost-with-newer",
        ],
        [
            "coverage-unknown-bulk-valid",
            "coverage-unknown-bulk-not-commissioned",
            "coverage-unknown-bulk-lost",
            "coverage-unknown-bulk-lost-with-newer",
        ],
        [
            "coverage-unknown-commissioned-valid",
            "not-drawn",
            "not-drawn",
            "not-drawn",
        ],
    ],
];

fn cell(row: Row, column: Column, coverage: Coverage) -> Display {
    // An answer that does not tell the coverage is shown like 単独, which promises no insurance.
    let (figure, ja, en) = match coverage {
        Coverage::AssistanceOnly => (0, "医療扶助（単独）", "medical assistance only"),
        Coverage::Combined => (
            1,
            "医療扶助（医療保険と併用）",
            "assistance beside insurance",
        ),
        Coverage::InsuranceOnly | Coverage::Unknown => (
            2,
            "医療扶助（単独・併用の別は不明）",
            "medical assistance, insurance not told",
        ),
    };
    let code = CODES[figure][row as usize][column as usize];
    if code == "not-drawn" {
        return not_drawn();
    }
    let insurance = insurance_beside(row, coverage);
    let (japanese, english, shows) = match column {
        Column::Valid => valid(row, insurance),
        Column::NotCommissioned => not_commissioned(insurance),
        Column::Lost => lost(row),
        Column::LostWithNewer => (
            "喪失・新資格あり。お尋ねの番号は使えません。新しい番号を確かめてください。",
            "ended, a newer one exists; the number asked about is no longer usable, find the new one",
            Shows {
                basic: true,
                newer_notice: true,
                ..Shows::default()
            },
        ),
    };
    Display {
        code,
        japanese: format!("{ja}：{japanese}"),
        english: format!("{en}: {english}"),
        drawn: true,
        shows,
    }
}

fn valid(row: Row, insurance: bool) -> (&'static str, &'static str, Shows) {
    let shows = Shows {
        numbers: true,
        basic: true,
        tickets: true,
        insurance,
        ..Shows::default()
    };
    match (row, insurance) {
        (Row::Card, false) => (
            "有効。カードで確かめた資格です。",
            "valid, as the card shows it today",
            shows,
        ),
        (Row::Card, true) => (
            "有効。医療保険と医療扶助の両方を確かめました。",
            "valid; both halves are as the card shows them today",
            shows,
        ),
        (Row::Ticket, _) => (
            "有効。券の番号で確かめた資格です。",
            "valid, by the number on the ticket",
            shows,
        ),
        (Row::Bulk, _) => (
            "有効。一括照会で番号ごとに確かめた資格です。",
            "valid, by number in a bulk inquiry",
            shows,
        ),
        (Row::Commissioned, _) => (
            "有効。当院あてに登録された券とその資格です。",
            "valid; a ticket registered for this institution, with its qualification",
            shows,
        ),
    }
}

fn not_commissioned(insurance: bool) -> (&'static str, &'static str, Shows) {
    let shows = Shows {
        basic: true,
        insurance,
        ..Shows::default()
    };
    if insurance {
        (
            "有効・未委託。当院あての券は登録待ちです。医療保険はすべて、医療扶助は番号なしで表示します。",
            "valid, not commissioned; waiting for this institution's ticket; insurance in full, assistance without numbers",
            shows,
        )
    } else {
        (
            "有効・未委託。当院あての券は登録待ちです。番号は表示しません。",
            "valid, not commissioned; waiting for this institution's ticket; no numbers",
            shows,
        )
    }
}

fn lost(row: Row) -> (&'static str, &'static str, Shows) {
    match row {
        Row::Card => (
            "喪失。今日の時点で有効な資格はありません。最後の資格は参考です。",
            "ended; none is valid today; the last one is shown for reference",
            Shows {
                basic: true,
                last_qualification: true,
                ..Shows::default()
            },
        ),
        Row::Ticket | Row::Bulk | Row::Commissioned => (
            "喪失。お尋ねの番号の資格は終わっています。",
            "ended; the qualification of the number asked about is over",
            Shows {
                basic: true,
                ..Shows::default()
            },
        ),
    }
}

#[cfg(test)]
mod tests;
