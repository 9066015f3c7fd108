//! Closed word lists of the contract. The words on the wire are kebab-case and stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word on the wire.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// How a qualification was checked.
    Method {
        /// 照会区分 1: My Number card at the reader.
        Card => "card",
        /// 照会区分 2: single inquiry by insurance card or 医療券/調剤券.
        Ticket => "ticket",
        /// 一括照会.
        Bulk => "bulk",
        /// 委託先資格情報の一括取得.
        Commissioned => "commissioned",
        /// 訪問診療等.
        HomeVisit => "home-visit",
        /// オンライン診療等.
        Online => "online",
        /// Any other 照会区分: a local program's copy, which verifies nothing.
        LocalCopy => "local-copy",
    }
);
words!(
    /// What a check found out about one qualification.
    Validity {
        /// 有効.
        Valid => "valid",
        /// 無効.
        Lost => "lost",
        /// 無効（新しい資格あり）.
        LostWithNewer => "lost-with-newer",
        /// 該当資格なし.
        NotFound => "not-found",
        /// 複数該当.
        Multiple => "multiple",
        /// 未委託: valid, no ticket registered for this institution.
        NotCommissioned => "not-commissioned",
        /// The inquiry itself was refused.
        Rejected => "rejected",
    }
);
words!(
    /// Which halves a patient has.
    Coverage {
        /// 医療扶助単独.
        AssistanceOnly => "assistance-only",
        /// 医療保険・医療扶助併用.
        Combined => "combined",
        /// Insurance, no public expense.
        InsuranceOnly => "insurance-only",
        /// The answer does not tell.
        Unknown => "unknown",
    }
);
words!(
    /// 性別.
    Sex {
        /// 男.
        Male => "male",
        /// 女.
        Female => "female",
        /// 未設定.
        Unset => "unset",
    }
);
words!(
    /// 医療券・調剤券別.
    TicketKind {
        /// 医療券.
        Medical => "medical",
        /// 調剤券.
        Dispensing => "dispensing",
    }
);
words!(
    /// 診療別.
    TreatmentType {
        /// 入院.
        Inpatient => "inpatient",
        /// 入院外.
        Outpatient => "outpatient",
        /// 歯科.
        Dental => "dental",
        /// 調剤.
        Dispensing => "dispensing",
        /// 訪問看護.
        VisitingNurse => "visiting-nurse",
    }
);
words!(
    /// 単独・併用別.
    TicketUse {
        /// 単独.
        Sole => "sole",
        /// 併用.
        Combined => "combined",
    }
);
words!(
    /// What a consent permits.
    ConsentScope {
        /// 薬剤情報.
        Drug => "drug",
        /// 診療情報.
        Treatment => "treatment",
        /// 健診情報.
        Checkup => "checkup",
        /// 手術情報.
        Operation => "operation",
        /// 傷病名 (電子カルテ情報共有).
        DiagnosisName => "diagnosis-name",
        /// 感染症.
        Infection => "infection",
        /// 薬剤アレルギー等.
        Allergy => "allergy",
        /// その他アレルギー等・禁忌.
        Contraindication => "contraindication",
        /// 検査.
        Test => "test",
        /// 処方.
        Prescription => "prescription",
    }
);
words!(
    /// Where a consent comes from. Only a card consent permits a request.
    ConsentSource {
        /// Given at the card reader.
        Card => "card",
        /// Entered by staff.
        Entered => "entered",
    }
);
words!(
    /// What is asked of a terminal.
    InquiryKind {
        /// Single inquiry by 医療券/調剤券 or insurance card.
        Ticket => "ticket",
        /// 一括照会.
        Bulk => "bulk",
        /// 委託先資格情報の一括取得.
        Commissioned => "commissioned",
        /// 薬剤情報.
        DrugInfo => "drug-info",
        /// 診療情報.
        TreatmentInfo => "treatment-info",
        /// 健診情報.
        CheckupInfo => "checkup-info",
        /// 照会番号の登録.
        Reference => "reference",
        /// 訪問診療等.
        HomeVisit => "home-visit",
        /// オンライン診療等.
        Online => "online",
    }
);
