//! ResultOfQualificationConfirmation: one half of what a person has, insurance or 公費.

use std::borrow::Cow;

use super::field::fields;
use super::read::{Element, Walk};
use super::{MedicalTicketInfo, Text, Unknown};
use crate::oqs::xml::XmlError;

fields! {
    /// ResultOfQualificationConfirmation. "医扶" = what an element means in an A1 record.
    Record {
        /// 被保険者証区分; A1 = 医療扶助.
        insured_card_classification: b"InsuredCardClassification",
        /// 保険者番号 / 医扶: 公費負担者番号.
        insurer_number: b"InsurerNumber",
        /// 記号.
        insured_card_symbol: b"InsuredCardSymbol",
        /// 番号 / 医扶: 受給者番号.
        insured_identification_number: b"InsuredIdentificationNumber",
        /// 枝番.
        insured_branch_number: b"InsuredBranchNumber",
        /// 本人・家族.
        personal_family_classification: b"PersonalFamilyClassification",
        /// 被保険者氏名（世帯主氏名）.
        insured_name: b"InsuredName",
        /// 氏名.
        name: b"Name",
        /// 氏名（その他）.
        name_of_other: b"NameOfOther",
        /// 氏名カナ.
        name_kana: b"NameKana",
        /// 氏名カナ（その他）.
        name_of_other_kana: b"NameOfOtherKana",
        /// 性別1.
        sex1: b"Sex1",
        /// 性別2: set where the issuer follows the special rule.
        sex2: b"Sex2",
        /// 生年月日.
        birthdate: b"Birthdate",
        /// 住所.
        address: b"Address",
        /// 郵便番号.
        post_number: b"PostNumber",
        /// 資格取得年月日 / 医扶: 保護開始・再開日.
        qualification_date: b"QualificationDate",
        /// 資格喪失年月日 / 医扶: 停止・廃止日.
        disqualification_date: b"DisqualificationDate",
        /// 交付年月日.
        insured_certificate_issuance_date: b"InsuredCertificateIssuanceDate",
        /// 有効開始年月日.
        insured_card_valid_date: b"InsuredCardValidDate",
        /// 有効終了年月日.
        insured_card_expiration_date: b"InsuredCardExpirationDate",
        /// 一部負担金割合.
        insured_partial_contribution_ratio: b"InsuredPartialContributionRatio",
        /// 未就学区分.
        preschool_classification: b"PreschoolClassification",
        /// 資格喪失事由.
        reason_of_loss: b"ReasonOfLoss",
        /// 保険者名称 / 医扶: 福祉事務所名.
        insurer_name: b"InsurerName",
        /// 限度額適用認定証関連 同意フラグ.
        limit_application_certificate_related_cons_flg: b"LimitApplicationCertificateRelatedConsFlg",
        /// 限度額適用認定証関連 同意日時.
        limit_application_certificate_related_cons_time: b"LimitApplicationCertificateRelatedConsTime",
        /// 特定疾病療養受療証関連 同意フラグ.
        specific_diseases_certificate_related_cons_flg: b"SpecificDiseasesCertificateRelatedConsFlg",
        /// 特定疾病療養受療証関連 同意日時.
        specific_diseases_certificate_related_cons_time: b"SpecificDiseasesCertificateRelatedConsTime",
        /// 照会番号.
        reference_number: b"ReferenceNumber",
        /// 任意の識別子, echoed.
        arbitrary_identifier: b"ArbitraryIdentifier",
        /// Seen in a face capture; its meaning is not public.
        qualification_confirmation_key: b"QualificationConfirmationKey",
        /// 限度額変更.
        limit_application_certificate_changed: b"LimitApplicationCertificateChanged",
        /// 処方箋発行形態, where a layout has it in the record.
        prescription_issue_select: b"PrescriptionIssueSelect",
        ;
        /// 高齢受給者証情報.
        elderly: Option<ElderlyRecipientCertificateInfo<'t>>,
        /// 限度額適用認定証関連情報.
        limit: Option<LimitApplicationCertificateRelatedInfo<'t>>,
        /// 特定疾病療養受療証情報.
        specific_diseases: Vec<SpecificDiseasesCertificateInfo<'t>>,
        /// 医療券・調剤券情報.
        tickets: Vec<MedicalTicketInfo<'t>>,
        /// Consents at the reader.
        consents: Consents<'t>,
        /// `PublicExpenseNumber` wherever it stood below the record.
        public_expense_numbers: Vec<Cow<'t, str>>,
        /// `BeneficiaryNumber` wherever it stood below the record.
        beneficiary_numbers: Vec<Cow<'t, str>>,
        /// `WelfareOfficeName` wherever it stood below the record.
        welfare_office_names: Vec<Cow<'t, str>>,
        /// Elements that are not known, path from the record.
        unknown: Vec<Unknown<'t>>,
    }
}

fields! {
    /// ElderlyRecipientCertificateInfo.
    ElderlyRecipientCertificateInfo {
        /// 交付年月日.
        date: b"ElderlyRecipientCertificateDate",
        /// 有効開始年月日.
        valid_start_date: b"ElderlyRecipientValidStartDate",
        /// 有効終了年月日.
        valid_end_date: b"ElderlyRecipientValidEndDate",
        /// 一部負担金割合.
        contribution_ratio: b"ElderlyRecipientContributionRatio",
    }
}

fields! {
    /// LimitApplicationCertificateRelatedInfo.
    LimitApplicationCertificateRelatedInfo {
        /// 限度額適用認定証区分.
        classification: b"LimitApplicationCertificateClassification",
        /// 限度額適用認定証適用区分.
        classification_flag: b"LimitApplicationCertificateClassificationFlag",
        /// 交付年月日.
        date: b"LimitApplicationCertificateDate",
        /// 有効開始年月日.
        valid_start_date: b"LimitApplicationCertificateValidStartDate",
        /// 有効終了年月日.
        valid_end_date: b"LimitApplicationCertificateValidEndDate",
        /// 長期該当年月日.
        long_term_date: b"LimitApplicationCertificateLongTermDate",
    }
}

fields! {
    /// SpecificDiseasesCertificateInfo.
    SpecificDiseasesCertificateInfo {
        /// 特定疾病認定疾病区分.
        disease_category: b"SpecificDiseasesDiseaseCategory",
        /// 交付年月日.
        date: b"SpecificDiseasesCertificateDate",
        /// 有効開始年月日.
        valid_start_date: b"SpecificDiseasesValidStartDate",
        /// 有効終了年月日.
        valid_end_date: b"SpecificDiseasesValidEndDate",
        /// 自己負担限度額.
        self_pay: b"SpecificDiseasesSelfPay",
    }
}

/// Flag, time and end of one consent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent<'t> {
    /// 同意フラグ.
    pub flag: Text<'t>,
    /// 同意日時.
    pub time: Text<'t>,
    /// 閲覧可能期限.
    pub available: Text<'t>,
}

/// The way to one text of the consents.
type Place<'t> = for<'c> fn(&'c mut Consents<'t>) -> &'c mut Text<'t>;

/// The consents of a record: flag, time and end of each, under one stem.
macro_rules! consents {
    ($($(#[$doc:meta])* $field:ident: $($flag:literal, $time:literal, $until:literal, $until_alias:literal)|+;)+) => {
        /// Consents given at the reader.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Consents<'t> { $($(#[$doc])* pub $field: Consent<'t>,)+ }

        impl<'t> Consents<'t> {
            /// Every element name of a consent.
            pub const NAMES: &'static [&'static [u8]] = &[$($($flag, $time, $until, $until_alias),+),+];

            /// The place of an element name: its bit, and the way to its field.
            fn place(name: &[u8]) -> Option<(u32, Place<'t>)> {
                match name {
                    $($(
                        $flag => { const BIT: u32 = super::field::bit_of(Consents::NAMES, $flag); Some((BIT, |all| &mut all.$field.flag)) }
                        $time => { const BIT: u32 = super::field::bit_of(Consents::NAMES, $time); Some((BIT, |all| &mut all.$field.time)) }
                        $until => { const BIT: u32 = super::field::bit_of(Consents::NAMES, $until); Some((BIT, |all| &mut all.$field.available)) }
                        $until_alias => { const BIT: u32 = super::field::bit_of(Consents::NAMES, $until_alias); Some((BIT, |all| &mut all.$field.available)) }
                    )+)+
                    _ => None,
                }
            }
        }
    };
}

consents! {
    /// 健診情報.
    specific_health_checkups: b"SpecificHealthCheckupsInfoConsFlg", b"SpecificHealthCheckupsInfoConsTime",
        b"SpecificHealthCheckupsInfoAvailableTime", b"SpecificHealthCheckupsInfoAcquisitionTime";
    /// 薬剤情報.
    pharmacists: b"PharmacistsInfoConsFlg", b"PharmacistsInfoConsTime",
        b"PharmacistsInfoAvailableTime", b"PharmacistsInfoAcquisitionTime"
        | b"PharmaceuticalInfoConsFlg", b"PharmaceuticalInfoConsTime",
        b"PharmaceuticalInfoAvailableTime", b"PharmaceuticalInfoAcquisitionTime";
    /// 診療情報.
    diagnosis: b"DiagnosisInfoConsFlg", b"DiagnosisInfoConsTime",
        b"DiagnosisInfoAvailableTime", b"DiagnosisInfoAcquisitionTime";
    /// 手術情報.
    operation: b"OperationInfoConsFlg", b"OperationInfoConsTime",
        b"OperationInfoAvailableTime", b"OperationInfoAcquisitionTime";
    /// 傷病名 (電子カルテ情報共有).
    diagnosis_name: b"DiagnosisNameConsFlg", b"DiagnosisNameConsTime",
        b"DiagnosisNameAvailableTime", b"DiagnosisNameAcquisitionTime"
        | b"DiagnosisNameInfoConsFlg", b"DiagnosisNameInfoConsTime",
        b"DiagnosisNameInfoAvailableTime", b"DiagnosisNameInfoAcquisitionTime";
    /// 感染症.
    infectious: b"InfectiousInfoConsFlg", b"InfectiousInfoConsTime",
        b"InfectiousInfoAvailableTime", b"InfectiousInfoAcquisitionTime";
    /// 薬剤アレルギー等.
    allergy: b"AllergyInfoConsFlg", b"AllergyInfoConsTime",
        b"AllergyInfoAvailableTime", b"AllergyInfoAcquisitionTime";
    /// その他アレルギー等・禁忌.
    contraindication: b"ContraindicationInfoConsFlg", b"ContraindicationInfoConsTime",
        b"ContraindicationInfoAvailableTime", b"ContraindicationInfoAcquisitionTime";
    /// 検査.
    test: b"TestInfoConsFlg", b"TestInfoConsTime",
        b"TestInfoAvailableTime", b"TestInfoAcquisitionTime";
    /// 処方.
    prescription: b"PrescriptionInfoConsFlg", b"PrescriptionInfoConsTime",
        b"PrescriptionInfoAvailableTime", b"PrescriptionInfoAcquisitionTime";
}

/// Consents use the bits after the record's own fields.
const CONSENT_BITS: u32 = Record::NAMES.len() as u32;
const _: () = assert!(CONSENT_BITS as usize + Consents::NAMES.len() <= 128);

impl<'t> Record<'t> {
    pub(super) fn read_into(list: &mut Vec<Self>, walk: &mut Walk<'t>) -> Result<(), XmlError> {
        let mut record = Self::default();
        let (unknown, elsewhere) = walk.record(|walk| walk.element(&mut record))?;
        record.unknown = unknown;
        record.public_expense_numbers = elsewhere.payer;
        record.beneficiary_numbers = elsewhere.recipient;
        record.welfare_office_names = elsewhere.office;
        list.push(record);
        Ok(())
    }
}

impl<'t> Element<'t> for Record<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        let consent = name.ends_with(b"Flg") || name.ends_with(b"Time");
        match consent.then(|| Consents::place(name)).flatten() {
            Some((bit, field)) => Some((bit + CONSENT_BITS, field(&mut self.consents))),
            None => self.by_name(name),
        }
    }

    fn child(&mut self, name: &[u8], walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        match name {
            b"ElderlyRecipientCertificateInfo" => {
                walk.once(&mut self.elderly, "ElderlyRecipientCertificateInfo")?;
            }
            b"LimitApplicationCertificateRelatedInfo" => {
                walk.once(&mut self.limit, "LimitApplicationCertificateRelatedInfo")?;
            }
            b"SpecificDiseasesCertificateList" => {
                let mut list = List(std::mem::take(&mut self.specific_diseases));
                walk.element(&mut list)?;
                self.specific_diseases = list.0;
            }
            b"PublicExpenseResultList" => {
                let mut list = List(std::mem::take(&mut self.tickets));
                walk.element(&mut list)?;
                self.tickets = list.0;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A list element: nothing but elements of one name.
struct List<E>(Vec<E>);

impl<E> Default for List<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The one element name of a list.
trait Listed {
    const NAME: &'static [u8];
}

impl Listed for MedicalTicketInfo<'_> {
    const NAME: &'static [u8] = b"MedicalTicketInfo";
}

impl Listed for SpecificDiseasesCertificateInfo<'_> {
    const NAME: &'static [u8] = b"SpecificDiseasesCertificateInfo";
}

impl<'t, E: Element<'t> + Listed> Element<'t> for List<E> {
    fn field(&mut self, _: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        None
    }

    fn child(&mut self, name: &[u8], walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        if name != E::NAME {
            return Ok(false);
        }
        walk.many(&mut self.0)?;
        Ok(true)
    }
}

impl<'t> Element<'t> for ElderlyRecipientCertificateInfo<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}

impl<'t> Element<'t> for LimitApplicationCertificateRelatedInfo<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}

impl<'t> Element<'t> for SpecificDiseasesCertificateInfo<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}
