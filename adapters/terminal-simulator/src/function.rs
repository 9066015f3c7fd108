//! Which function a request is for, by its name.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A function of the terminal, and which of its two exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// 資格確認（照会）, one person.
    Inquiry,
    /// 照会番号の登録, one person.
    Registration,
    /// 薬剤・診療情報.
    Drugs,
    /// 健診情報.
    Checkups,
    /// The request of a bulk job.
    Submit(Bulk),
    /// Asking for its result.
    Collect(Bulk),
}

impl Function {
    /// Whether a site may set its interface to be encrypted.
    pub(crate) fn can_be_encrypted(self) -> bool {
        !matches!(
            self,
            Self::Submit(Bulk::Commissioned | Bulk::HomeVisit | Bulk::Online)
                | Self::Collect(Bulk::Commissioned | Bulk::HomeVisit | Bulk::Online)
        )
    }
}

/// A function that works in jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Bulk {
    /// 一括照会.
    Inquiries,
    /// 委託先資格情報の一括取得.
    Commissioned,
    /// 訪問診療等.
    HomeVisit,
    /// オンライン診療等.
    Online,
    /// 照会番号の一括登録.
    Registrations,
}

/// Names without case, in lower case here.
const NAMES: [(&str, Function); 14] = [
    ("oqssiquc01", Function::Inquiry),
    ("oqssiimm01", Function::Registration),
    ("yzksiquc01", Function::Drugs),
    ("tkksiquc01", Function::Checkups),
    ("oqsmuquc01", Function::Submit(Bulk::Inquiries)),
    ("oqsmuquc02", Function::Collect(Bulk::Inquiries)),
    ("oqsmutic01", Function::Submit(Bulk::Commissioned)),
    ("oqsmutic02", Function::Collect(Bulk::Commissioned)),
    ("oqsmuhvq01", Function::Submit(Bulk::HomeVisit)),
    ("oqsmuhvq02", Function::Collect(Bulk::HomeVisit)),
    ("oqsmuonq01", Function::Submit(Bulk::Online)),
    ("oqsmuonq02", Function::Collect(Bulk::Online)),
    ("oqsmuimm01", Function::Submit(Bulk::Registrations)),
    ("oqsmuimm02", Function::Collect(Bulk::Registrations)),
];

/// How the terminal itself writes the first ten characters.
const WRITTEN: [&str; 14] = [
    "OQSsiquc01",
    "OQSsiimm01",
    "YZKsiquc01",
    "TKKsiquc01",
    "OQSmuquc01",
    "OQSmuquc02",
    "OQSmutic01",
    "OQSmutic02",
    "OQSmuhvq01",
    "OQSmuhvq02",
    "OQSmuonq01",
    "OQSmuonq02",
    "OQSmuimm01",
    "OQSmuimm02",
];

/// What a request is, and the base name of its answer: `req` turned to `res`, without extension.
pub(crate) fn recognise(name: &str) -> Option<(Function, String)> {
    let lower = name.to_ascii_lowercase();
    let place = NAMES.iter().position(|(name, _)| lower.starts_with(name))?;
    let unique = lower
        .get(10..)?
        .starts_with("req_")
        .then(|| name.get(14..))??;
    let is_message = lower.ends_with(".xml") || lower.ends_with(".zip");
    let unique = is_message.then(|| unique.get(..unique.len().checked_sub(4)?))??;
    Some((NAMES[place].1, format!("{}res_{unique}", WRITTEN[place])))
}

/// The same for a path.
pub(crate) fn recognise_path(path: &Path) -> Option<(Function, String)> {
    recognise(&path.file_name()?.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_after_its_request() {
        let name = |request: &str| recognise(request).map(|(_, answer)| answer);
        assert_eq!(
            name("OQSsiquc01req_202605110001.xml").as_deref(),
            Some("OQSsiquc01res_202605110001")
        );
        assert_eq!(
            name("oqsmuTIC02REQ_aB.XML").as_deref(),
            Some("OQSmutic02res_aB")
        );
        assert_eq!(
            name("OQSsiquc01req_7.zip").as_deref(),
            Some("OQSsiquc01res_7")
        );
        for other in [
            "OQSsiquc01req_1.tmp",
            "OQSsiquc02req_1.xml",
            "EPSsiquc01req_1.xml",
            "OQSsiquc01res_1.xml",
            "x",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
