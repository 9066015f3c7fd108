//! Names of files in `req/`, `res/` and `face/`. Prefix and extension are matched without case; what
//! stands between them is opaque: no institution or time is ever read out of it.

/// What a file's name says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `OQSsiquc01res_face_….xml`: a card reception.
    Face,
    /// `OQSsiquc01res_….xml`: the answer to a single inquiry.
    SingleAnswer,
    /// `OQSsiquc01req_….xml`: a single inquiry.
    SingleRequest,
}

/// Prefix of a face file.
pub const FACE: &str = "OQSsiquc01res_face_";
/// Prefix of a single answer.
pub const SINGLE_ANSWER: &str = "OQSsiquc01res_";
/// Prefix of a single inquiry.
pub const SINGLE_REQUEST: &str = "OQSsiquc01req_";

/// What `name` says; `None` for files of other functions and of no function.
pub fn recognise(name: &str) -> Option<FileKind> {
    if !name
        .get(name.len().checked_sub(4)?..)?
        .eq_ignore_ascii_case(".xml")
    {
        return None;
    }
    if has_prefix(name, FACE) {
        Some(FileKind::Face)
    } else if has_prefix(name, SINGLE_ANSWER) {
        Some(FileKind::SingleAnswer)
    } else if has_prefix(name, SINGLE_REQUEST) {
        Some(FileKind::SingleRequest)
    } else {
        None
    }
}

/// Whether `name` begins with `prefix`, case apart.
pub fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `OQSsiquc01req_<12 digits>.xml`: the day and its sequence; `None` when the sequence passes 9999.
/// The caller keeps the sequence across restarts, so that no name is used twice.
pub fn single_request(day: jiff::civil::Date, sequence: u32) -> Option<String> {
    (sequence <= 9999).then(|| {
        format!(
            "{SINGLE_REQUEST}{:04}{:02}{:02}{sequence:04}.xml",
            day.year(),
            day.month(),
            day.day()
        )
    })
}

/// The base name of the answer to `request`: `req_` turned to `res_`, without extension. `None` when it is no request.
pub fn answer_base(request: &str) -> Option<String> {
    let base = without_extension(request);
    let at = base.find('_')?;
    let function = &base[..at];
    let stem = function.get(..function.len().checked_sub(3)?)?;
    function[stem.len()..]
        .eq_ignore_ascii_case("req")
        .then(|| format!("{stem}res{}", &base[at..]))
}

/// Whether the file `answer` answers the file `request`: same base name, any extension, case apart.
pub fn answers(answer: &str, request: &str) -> bool {
    answer_base(request).is_some_and(|base| base.eq_ignore_ascii_case(without_extension(answer)))
}

fn without_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_by_prefix_and_extension_without_case() {
        assert_eq!(
            recognise("OQSsiquc01res_face_1319912349_20260511091502.xml"),
            Some(FileKind::Face)
        );
        assert_eq!(
            recognise("oqsSIQUC01RES_1.XML"),
            Some(FileKind::SingleAnswer)
        );
        assert_eq!(
            recognise("OQSsiquc01req_202605110001.xml"),
            Some(FileKind::SingleRequest)
        );
        for other in [
            "OQSsiquc01res_face_1.xml.tmp",
            "OQSmutic02res_1.xml",
            ".xml",
            "",
            "資格.xml",
            "OQSsiquc01res_1.zip",
        ] {
            assert_eq!(recognise(other), None, "{other}");
        }
    }

    #[test]
    fn pairs_answers_with_requests() {
        let request = single_request(jiff::civil::date(2026, 5, 11), 1).unwrap();
        assert_eq!(request, "OQSsiquc01req_202605110001.xml");
        assert!(answers("OQSsiquc01res_202605110001.xml", &request));
        assert!(answers("oqssiquc01RES_202605110001.PDF", &request));
        assert!(!answers("OQSsiquc01res_202605110002.xml", &request));
        assert!(!answers(&request, &request));
        assert_eq!(answer_base("OQSsiquc01res_1.xml"), None);
        assert_eq!(answer_base("資格_1.xml"), None);
        assert_eq!(single_request(jiff::civil::date(2026, 5, 11), 10_000), None);
    }
}
