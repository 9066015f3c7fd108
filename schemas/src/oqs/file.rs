//! Names of files in `req/`, `res/` and `face/`. Prefix and extension are matched without case; what
//! stands between them is opaque: no institution or time is ever read out of it.

use super::message::{Family, Message};

/// Whether `name` begins with `prefix`, case apart.
pub fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `OQSsiquc01req_<12 digits>.xml`; see [`Message::name`].
pub fn single_request(day: jiff::civil::Date, sequence: u32) -> Option<String> {
    Message::request(Family::Single).name(day, sequence)
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
    fn pairs_answers_with_requests() {
        let request = single_request(jiff::civil::date(2026, 5, 11), 1).unwrap();
        assert_eq!(request, "OQSsiquc01req_202605110001.xml");
        assert!(answers("OQSsiquc01res_202605110001.xml", &request));
        assert!(answers("oqssiquc01RES_202605110001.PDF", &request));
        assert!(answers("OQSmutic02res_7.zip", "OQSmutic02req_7.xml"));
        assert!(!answers("OQSmutic01res_7.xml", "OQSmutic02req_7.xml"));
        assert!(!answers("OQSsiquc01res_202605110002.xml", &request));
        assert!(!answers(&request, &request));
        assert_eq!(answer_base("OQSsiquc01res_1.xml"), None);
        assert_eq!(answer_base("資格_1.xml"), None);
        assert_eq!(single_request(jiff::civil::date(2026, 5, 11), 10_000), None);
    }
}
