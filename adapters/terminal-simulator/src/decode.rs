//! Reading requests.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::tree::Node;

/// What a single inquiry asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// 資格確認日.
    pub confirmed_on: Option<Date>,
    /// 医療機関コード.
    pub institution_code: Option<String>,
    /// 任意のファイル識別子.
    pub file_identifier: Option<String>,
    /// 保険者番号 / 公費負担者番号, unpadded.
    pub insurer_number: Option<String>,
    /// 記号.
    pub symbol: Option<String>,
    /// 番号 / 受給者番号.
    pub number: Option<String>,
    /// 枝番.
    pub branch: Option<String>,
    /// 生年月日.
    pub birth_date: Option<Date>,
    /// 限度額適用認定証関連 同意フラグ.
    pub limit_certificate_consent: Option<String>,
    /// 任意の識別子.
    pub arbitrary_identifier: Option<String>,
}

/// Why a request can't be read.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Bytes that are not of the declared encoding.
    #[error("the request is not {0}")]
    Encoding(&'static str),
    /// No well-formed XML.
    #[error("the request is no well-formed XML")]
    Xml(#[source] quick_xml::Error),
    /// XML of another kind, or cut off.
    #[error("the request has no whole XmlMsg")]
    Shape,
}

/// Reads the bytes of an `OQSsiquc01req_*` file.
///
/// # Errors
/// Bytes that are no whole request.
pub fn read_question(bytes: &[u8]) -> Result<Question, QuestionError> {
    let root = Node::read(bytes)?;
    let none = Node::default();
    let header = root.child("MessageHeader").unwrap_or(&none);
    let body = root.child("MessageBody").unwrap_or(&none);
    let search = body.child("QualificationConfirmSearchInfo");
    Ok(Question::of(header, search.unwrap_or(&none)))
}

/// yyyyMMdd.
pub(crate) fn day(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text).ok()
}

impl Question {
    /// One search condition below one header.
    pub(crate) fn of(header: &Node, search: &Node) -> Self {
        let date = |node: &Node, name| node.value(name).and_then(|text| day(&text));
        Self {
            confirmed_on: date(header, "QualificationConfirmationDate"),
            institution_code: header.value("MedicalInstitutionCode"),
            file_identifier: header.value("ArbitraryFileIdentifier"),
            insurer_number: search.value("InsurerNumber"),
            symbol: search.value("InsuredCardSymbol"),
            number: search.value("InsuredIdentificationNumber"),
            branch: search.value("InsuredBranchNumber"),
            birth_date: date(search, "Birthdate"),
            limit_certificate_consent: search.value("LimitApplicationCertificateRelatedConsFlg"),
            arbitrary_identifier: search.value("ArbitraryIdentifier"),
        }
    }

    /// Name of the first mandatory element that is missing.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        [
            (self.insurer_number.is_none(), "InsurerNumber"),
            (self.number.is_none(), "InsuredIdentificationNumber"),
            (self.birth_date.is_none(), "Birthdate"),
            (
                self.limit_certificate_consent.is_none(),
                "LimitApplicationCertificateRelatedConsFlg",
            ),
            (self.institution_code.is_none(), "MedicalInstitutionCode"),
        ]
        .into_iter()
        .find_map(|(missing, element)| missing.then_some(element))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const REQUEST: &str = r#"<?xml version="1.0" encoding="Shift_JIS" standalone="no"?>
<XmlMsg>
  <MessageHeader>
    <QualificationConfirmationDate>20260511</QualificationConfirmationDate>
    <MedicalInstitutionCode>1319912349</MedicalInstitutionCode>
    <ArbitraryFileIdentifier>a&amp;b</ArbitraryFileIdentifier>
  </MessageHeader>
  <MessageBody>
    <QualificationConfirmSearchInfo>
      <InsurerNumber>  123456</InsurerNumber>
      <InsuredCardSymbol/>
      <InsuredIdentificationNumber>4820155</InsuredIdentificationNumber>
      <Birthdate>19710915</Birthdate>
      <LimitApplicationCertificateRelatedConsFlg>0</LimitApplicationCertificateRelatedConsFlg>
    </QualificationConfirmSearchInfo>
  </MessageBody>
</XmlMsg>"#;

    #[test]
    fn a_request_is_read() {
        let question = read_question(REQUEST.as_bytes()).unwrap();
        assert_eq!(question.insurer_number.as_deref(), Some("123456"));
        assert_eq!(question.symbol, None);
        assert_eq!(question.birth_date, Some(date(1971, 9, 15)));
        assert_eq!(question.file_identifier.as_deref(), Some("a&b"));
        assert_eq!(question.missing(), None);
    }

    #[test]
    fn a_request_in_shift_jis_is_read() {
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(REQUEST);
        let with_kanji = String::from_utf8_lossy(&bytes).replace("a&amp;b", "x");
        assert!(read_question(with_kanji.as_bytes()).is_ok());
    }

    #[test]
    fn half_a_request_is_refused() {
        assert!(read_question(&REQUEST.as_bytes()[..REQUEST.len() - 9]).is_err());
        assert!(read_question(b"").is_err());
        assert!(read_question(b"<XmlMsg><A></XmlMsg>").is_err());
    }

    #[test]
    fn the_first_missing_element_is_named() {
        let without = REQUEST.replace("<Birthdate>19710915</Birthdate>", "");
        let question = read_question(without.as_bytes()).unwrap();
        assert_eq!(question.missing(), Some("Birthdate"));
    }
}
