//! Rows that the figures do not have.

use super::{Column, Display, Shows};

fn named(code: &'static str, japanese: &str, english: &str, shows: Shows) -> Display {
    Display {
        code,
        japanese: japanese.to_owned(),
        english: english.to_owned(),
        drawn: false,
        shows,
    }
}

pub(super) fn not_drawn() -> Display {
    named(
        "not-drawn",
        "想定外の組合せです。受け取った内容をそのまま示します。職員が確かめてください。",
        "a combination that should not happen: shown as received, a person must look",
        Shows {
            raw: true,
            ..Shows::default()
        },
    )
}

pub(super) fn inconsistent() -> Display {
    named(
        "inconsistent",
        "内容が食い違っています。受け取った内容をそのまま示します。職員が確かめてください。",
        "the answer contradicts itself: shown as received, a person must look",
        Shows {
            raw: true,
            ..Shows::default()
        },
    )
}

pub(super) fn insurance_only(column: Column) -> Display {
    let (code, japanese, english, shows) = match column {
        Column::Valid | Column::NotCommissioned => (
            "insurance-only-valid",
            "医療保険のみ：有効。",
            "insurance only: valid",
            Shows {
                basic: true,
                insurance: true,
                ..Shows::default()
            },
        ),
        Column::Lost => (
            "insurance-only-lost",
            "医療保険のみ：喪失。最後の資格は参考です。",
            "insurance only: ended; the last one is shown for reference",
            Shows {
                basic: true,
                last_qualification: true,
                ..Shows::default()
            },
        ),
        Column::LostWithNewer => (
            "insurance-only-lost-with-newer",
            "医療保険のみ：喪失・新資格あり。新しい保険を確かめてください。",
            "insurance only: ended, a newer one exists; find the new one",
            Shows {
                basic: true,
                newer_notice: true,
                ..Shows::default()
            },
        ),
    };
    named(code, japanese, english, shows)
}

pub(super) fn without_ticket(insurance: bool) -> Display {
    named(
        "qualified-without-ticket",
        "資格あり・券なし：資格と番号は有効ですが、この月の券が見当たりません。福祉事務所に確かめてください。",
        "qualified without ticket: valid with numbers, but no ticket for this month; ask the welfare office",
        Shows {
            numbers: true,
            basic: true,
            insurance,
            ..Shows::default()
        },
    )
}

pub(super) fn other_institution(insurance: bool) -> Display {
    named(
        "ticket-of-another-institution",
        "他の医療機関あての券です：資格は有効ですが、この月の券は当院では使えません。",
        "a ticket of another institution: the qualification is valid, this month's ticket is not for us",
        Shows {
            numbers: true,
            basic: true,
            tickets: true,
            insurance,
            ..Shows::default()
        },
    )
}

pub(super) fn not_found() -> Display {
    named(
        "not-found",
        "該当なし：この番号と生年月日の資格は見つかりません。入力を確かめてください。",
        "not found: no qualification with this number and birth date; check what was entered",
        Shows::default(),
    )
}

pub(super) fn multiple() -> Display {
    named(
        "multiple",
        "複数該当：一人に絞れません。枝番などを加えて照会してください。",
        "several match: ask again with the branch number or more",
        Shows::default(),
    )
}

pub(super) fn rejected() -> Display {
    named(
        "rejected",
        "照会エラー：回答を得られませんでした。資格については何も分かりません。",
        "inquiry refused: nothing is known about the qualification",
        Shows::default(),
    )
}

pub(super) fn local_copy() -> Display {
    named(
        "local-copy",
        "院内の控え：他のソフトが作った写しで、資格確認ではありません。",
        "a local copy made by another program: it verifies nothing",
        Shows {
            basic: true,
            ..Shows::default()
        },
    )
}
