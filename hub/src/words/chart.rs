//! The catalogue's words of medical information.

use shikaku_schemas::oqs::medical::Branch;

use super::{Words, w};

catalogue! {
    PURPOSE_MISSING => "目的が必要です（閲覧記録に残ります）", "a purpose is needed; it is logged";
    RECEIVED => "受信", "received";
    MONTHS => "対象年月", "months";
    FORM => "形式", "form";
    CENTRE_HOLDS_NONE => "登録なし", "nothing registered";
    DAY => "年月日", "day";
    PART => "区分", "part";
    DRUG => "薬剤", "drug";
    AMOUNT => "数量", "amount";
    USAGE => "用法", "usage";
    TIMES => "回数・日数", "times";
    TREATMENT => "診療行為", "treatment";
    ITEM => "項目", "item";
}

/// Where a drug stands.
pub fn part(part: Branch) -> Words {
    match part {
        Branch::Medical => w("医科", "medical"),
        Branch::Prescribed => w("処方", "prescribed"),
        Branch::Dispensed => w("調剤", "dispensed"),
    }
}
