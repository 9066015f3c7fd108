//! A third writer of face files, beside the hub's reader and the simulator's writer: plain text, filled in.

/// What an answer says of one invented person of prefecture 99.
#[derive(Debug, Clone)]
pub struct Face {
    /// 氏名.
    pub name: String,
    /// 氏名カナ.
    pub kana: String,
    /// 生年月日, yyyyMMdd.
    pub birth: String,
    /// 公費負担者番号.
    pub payer: String,
    /// 受給者番号.
    pub recipient: String,
    /// 照会番号; empty writes a blank element.
    pub reference: String,
    /// 資格有効性.
    pub validity: char,
    /// 処理実行日時, yyyyMMddHHmmss; its day is 資格確認日, its month the ticket's.
    pub at: String,
    /// 任意のファイル識別子: what makes two answers about one person differ in bytes.
    pub identifier: String,
    /// Raw XML in place of both numbers; `None` writes them (H1).
    pub numbers: Option<String>,
    /// Whether there is a ticket.
    pub ticket: bool,
    /// Whether an insurance record stands before the assistance record.
    pub insured: bool,
    /// Raw XML at the end of the assistance record.
    pub extra: String,
}

impl Face {
    /// Assistance only, one ticket of May 2026; `n` tells people apart.
    pub fn assistance_only(n: u32) -> Self {
        Self {
            name: format!("試験　{}", spelt(n, "零壱弐参四五六七八九")),
            kana: format!("ｼｹﾝ {}", spelt(n, "ｱｲｳｴｵｶｷｸｹｺ")),
            birth: format!(
                "{}{:02}{:02}",
                1930 + n % 70,
                n / 70 % 12 + 1,
                n / 840 % 28 + 1
            ),
            payer: "12997151".to_owned(),
            recipient: with_check(&format!("{:06}", 700_000 + n)),
            reference: format!("K{n:06}"),
            validity: '1',
            at: "20260511091500".to_owned(),
            identifier: format!("id{n}"),
            numbers: None,
            ticket: true,
            insured: false,
            extra: String::new(),
        }
    }

    /// Somebody of the simulated centre's town, without a 照会番号.
    pub fn of_the_town() -> Self {
        Self {
            name: "見本　調".to_owned(),
            kana: "ﾐﾎﾝ ｼﾗﾍﾞ".to_owned(),
            birth: "19880130".to_owned(),
            payer: "12997011".to_owned(),
            recipient: with_check("400103"),
            reference: String::new(),
            ..Self::assistance_only(1)
        }
    }

    /// 未委託: validity 6, neither numbers nor ticket.
    pub fn not_commissioned(n: u32) -> Self {
        Self {
            validity: '6',
            numbers: Some(String::new()),
            ticket: false,
            ..Self::assistance_only(n)
        }
    }

    /// The file in UTF-8.
    pub fn utf8(&self) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<XmlMsg>\n<MessageHeader>\
<ProcessExecutionTime>{at}</ProcessExecutionTime>\
<QualificationConfirmationDate>{day}</QualificationConfirmationDate>\
<MedicalInstitutionCode>1319912349</MedicalInstitutionCode>\
<ArbitraryFileIdentifier>{identifier}</ArbitraryFileIdentifier>\
<ReferenceClassification>1</ReferenceClassification><SegmentOfResult>1</SegmentOfResult>\
<CharacterCodeIdentifier>0</CharacterCodeIdentifier></MessageHeader>\n<MessageBody>\
<ProcessingResultStatus>1</ProcessingResultStatus>\
<QualificationValidity>{validity}</QualificationValidity>\n<ResultList>{insurance}{assistance}\
</ResultList></MessageBody>\n</XmlMsg>\n",
            at = self.at,
            day = &self.at[..8],
            identifier = self.identifier,
            validity = self.validity,
            insurance = if self.insured { self.insurance() } else { String::new() },
            assistance = self.assistance(),
        )
        .into_bytes()
    }

    fn insurance(&self) -> String {
        format!(
            "<ResultOfQualificationConfirmation><InsuredCardClassification>01</InsuredCardClassification>\
<InsurerNumber>06139992</InsurerNumber><InsuredCardSymbol>５１</InsuredCardSymbol>\
<InsuredIdentificationNumber>{}</InsuredIdentificationNumber>\
<InsuredBranchNumber>01</InsuredBranchNumber>{}\
<QualificationDate>20190401</QualificationDate><InsurerName>見本健康保険組合</InsurerName>\
<ReferenceNumber>{}</ReferenceNumber></ResultOfQualificationConfirmation>",
            &self.recipient[2..],
            self.identity(),
            self.reference,
        )
    }

    fn assistance(&self) -> String {
        let numbers = self.numbers.clone().unwrap_or_else(|| {
            format!(
                "<InsurerNumber>{}</InsurerNumber>\
<InsuredIdentificationNumber>{}</InsuredIdentificationNumber>",
                self.payer, self.recipient
            )
        });
        format!(
            "<ResultOfQualificationConfirmation><InsuredCardClassification>A1</InsuredCardClassification>\
{numbers}{identity}<QualificationDate>20250401</QualificationDate>\
<InsurerName>見本市福祉事務所</InsurerName>{ticket}\
<ReferenceNumber>{reference}</ReferenceNumber>{extra}</ResultOfQualificationConfirmation>",
            identity = self.identity(),
            ticket = if self.ticket {
                self.medical_ticket()
            } else {
                String::new()
            },
            reference = self.reference,
            extra = self.extra,
        )
    }

    fn identity(&self) -> String {
        format!(
            "<Name>{}</Name><NameKana>{}</NameKana><Sex1>1</Sex1><Birthdate>{}</Birthdate>",
            self.name, self.kana, self.birth
        )
    }

    fn medical_ticket(&self) -> String {
        let month = &self.at[..6];
        let usage = if self.insured { "02" } else { "01" };
        let social = if self.insured { "01" } else { "02" };
        format!(
            "<PublicExpenseResultList><MedicalTicketInfo><TicketType>01</TicketType>\
<MedicalTicketValidDate>{month}01</MedicalTicketValidDate>\
<MedicalTicketExpirationDate>{month}28</MedicalTicketExpirationDate>\
<IssueNumber>T{recipient}</IssueNumber><MedicalTreatmentMonth>{month}</MedicalTreatmentMonth>\
<DesignatedMedicalInstitutionCode>1319912349</DesignatedMedicalInstitutionCode>\
<DesignatedMedicalInstitutionFlag>0</DesignatedMedicalInstitutionFlag>\
<MedicalTreatmentType>02</MedicalTreatmentType><SelfPayAmount>0</SelfPayAmount>\
<SingleOrCombinedUse>{usage}</SingleOrCombinedUse>\
<StatusOfSocialInsurance>{social}</StatusOfSocialInsurance>\
</MedicalTicketInfo></PublicExpenseResultList>",
            recipient = &self.recipient[..6],
        )
    }
}

/// A number in words, so that invented names differ.
fn spelt(n: u32, digits: &str) -> String {
    let digits: Vec<char> = digits.chars().collect();
    n.to_string()
        .bytes()
        .map(|digit| digits[usize::from(digit - b'0')])
        .collect()
}

/// Appends the check digit: weights 2, 1, 2 … from the right, digits of products summed.
pub fn with_check(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_thousand_people_differ_in_everything_that_identifies() {
        let people: Vec<Face> = (0..1000).map(Face::assistance_only).collect();
        let names: HashSet<_> = people.iter().map(|face| &face.name).collect();
        let numbers: HashSet<_> = people.iter().map(|face| &face.recipient).collect();
        assert_eq!((names.len(), numbers.len()), (1000, 1000));
        assert_eq!(with_check("482015"), "4820155");
    }
}
