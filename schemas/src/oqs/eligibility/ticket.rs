//! 医療券・調剤券情報.

use super::Text;
use super::field::fields;
use super::read::Element;

fields! {
    /// MedicalTicketInfo.
    MedicalTicketInfo {
        /// 医療券・調剤券別.
        ticket_type: b"TicketType",
        /// 有効期間開始.
        medical_ticket_valid_date: b"MedicalTicketValidDate",
        /// 有効期間終了.
        medical_ticket_expiration_date: b"MedicalTicketExpirationDate",
        /// 交付番号.
        issue_number: b"IssueNumber",
        /// 診療年月.
        medical_treatment_month: b"MedicalTreatmentMonth",
        /// 指定医療機関コード.
        designated_medical_institution_code: b"DesignatedMedicalInstitutionCode",
        /// 指定医療機関確認フラグ: 0 一致, 1 不一致.
        designated_medical_institution_flag: b"DesignatedMedicalInstitutionFlag",
        /// 指定医療機関名.
        designated_medical_institution_name: b"DesignatedMedicalInstitutionName",
        /// 処方箋発行元医療機関コード.
        prescription_issuer_medical_institution_code: b"PrescriptionIssuerMedicalInstitutionCode",
        /// 処方箋発行元医療機関名.
        prescription_issuer_medical_institution_name: b"PrescriptionIssuerMedicalInstitutionName",
        /// 傷病名1.
        injury_name1: b"InjuryName1",
        /// 傷病名2.
        injury_name2: b"InjuryName2",
        /// 傷病名3.
        injury_name3: b"InjuryName3",
        /// 診療別.
        medical_treatment_type: b"MedicalTreatmentType",
        /// 本人支払額, yen.
        self_pay_amount: b"SelfPayAmount",
        /// 地区担当員名.
        district_contact_name: b"DistrictContactName",
        /// 取扱担当者名.
        handling_contact_name: b"HandlingContactName",
        /// 単独・併用別.
        single_or_combined_use: b"SingleOrCombinedUse",
        /// 社会保険状況.
        status_of_social_insurance: b"StatusOfSocialInsurance",
        /// 社会保険状況の整合性フラグ.
        consistency_flag: b"ConsistencyFlag",
        /// 感染症法37条の2. The terminal's own spelling lacks an `i`.
        status_of_infecton: b"StatusOfInfecton" | b"StatusOfInfection",
        /// 後期高齢者医療.
        status_of_elderly_medical_care: b"StatusOfElderlyMedicalCare",
        /// 都道府県費.
        status_of_prefectural_expenses: b"StatusOfPrefecturalExpenses",
        /// 備考1.
        remarks1: b"Remarks1",
        /// 備考2.
        remarks2: b"Remarks2",
        /// 備考3.
        remarks3: b"Remarks3",
    }
}

impl<'t> Element<'t> for MedicalTicketInfo<'t> {
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        self.by_name(name)
    }
}
