//! MessageHeader, MessageBody and the echoed search condition.

use super::field::fields;
use super::read::{Element, Walk};
use super::{Record, Text};
use crate::oqs::xml::XmlError;

fields! {
    /// MessageHeader.
    Header {
        /// 処理実行日時.
        process_execution_time: b"ProcessExecutionTime",
        /// 資格確認日.
        qualification_confirmation_date: b"QualificationConfirmationDate",
        /// 医療機関コード.
        medical_institution_code: b"MedicalInstitutionCode",
        /// 任意のファイル識別子.
        arbitrary_file_identifier: b"ArbitraryFileIdentifier",
        /// 照会区分.
        reference_classification: b"ReferenceClassification",
        /// 処理結果区分.
        segment_of_result: b"SegmentOfResult",
        /// エラーコード.
        error_code: b"ErrorCode",
        /// エラーメッセージ.
        error_message: b"ErrorMessage",
        /// 文字コード識別. A cross-check at most: the XML declaration decides.
        character_code_identifier: b"CharacterCodeIdentifier",
    }
}

fields! {
    /// MessageBody.
    Body {
        /// 処方箋発行形態.
        prescription_issue_select: b"PrescriptionIssueSelect",
        /// 処理結果状況.
        processing_result_status: b"ProcessingResultStatus",
        /// 処理結果コード.
        processing_result_code: b"ProcessingResultCode",
        /// 処理結果メッセージ.
        processing_result_message: b"ProcessingResultMessage",
        /// 資格有効性.
        qualification_validity: b"QualificationValidity",
        ;
        /// 結果一覧, in the order received.
        records: Vec<Record<'t>>,
        /// 検索条件, echoed.
        search: Option<SearchInfo<'t>>,
    }
}

fields! {
    /// QualificationConfirmSearchInfo.
    SearchInfo {
        /// 保険者番号 / 公費負担者番号.
        insurer_number: b"InsurerNumber",
        /// 記号.
        insured_card_symbol: b"InsuredCardSymbol",
        /// 番号 / 受給者番号.
        insured_identification_number: b"InsuredIdentificationNumber",
        /// 枝番.
        insured_branch_number: b"InsuredBranchNumber",
        /// 生年月日.
        birthdate: b"Birthdate",
        /// 限度額適用認定証関連 同意フラグ.
        limit_application_certificate_related_cons_flg: b"LimitApplicationCertificateRelatedConsFlg",
        /// 任意の識別子.
        arbitrary_identifier: b"ArbitraryIdentifier",
    }
}

impl<'t> Element<'t> for Header<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}

impl<'t> Element<'t> for SearchInfo<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}

impl<'t> Element<'t> for Body<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }

    fn child(&mut self, name: &[u8], walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        match name {
            b"ResultList" => {
                let mut list = ResultList {
                    records: std::mem::take(&mut self.records),
                };
                walk.element(&mut list)?;
                self.records = list.records;
            }
            // Where bulk answers have it; some programs write single ones the same way.
            b"ResultOfQualificationConfirmation" => Record::read_into(&mut self.records, walk)?,
            b"QualificationConfirmSearchInfo" => {
                walk.once(&mut self.search, "QualificationConfirmSearchInfo")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Default)]
struct ResultList<'t> {
    records: Vec<Record<'t>>,
}

impl<'t> Element<'t> for ResultList<'t> {
    fn field(&mut self, _: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        None
    }

    fn child(&mut self, name: &[u8], walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        if name != b"ResultOfQualificationConfirmation" {
            return Ok(false);
        }
        Record::read_into(&mut self.records, walk)?;
        Ok(true)
    }
}
