//! Invented people, and what a terminal would say of them.

use serde_json::{Value, json};
use shikaku_schemas::observation::{EvidenceRef, Observation};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::topology::EVIDENCE_CHUNK_BYTES;
use shikaku_schemas::value::{EvidenceId, FacilityCode, ObservationId};

pub const HOSPITAL: &str = "1319912349";

/// Somebody invented.
#[derive(Debug, Clone)]
pub struct Somebody {
    pub name: &'static str,
    pub kana: &'static str,
    pub birth: String,
    pub sex: &'static str,
    pub payer: &'static str,
    pub recipient: String,
    pub reference: Option<String>,
}

/// The `n`th of a town.
pub fn somebody(n: u32) -> Somebody {
    Somebody {
        name: "見本　太郎",
        kana: "ミホン　タロウ",
        birth: format!("{}-05-01", 1930 + n % 60),
        sex: "male",
        payer: "12137014",
        recipient: format!("{:07}", 1000 + n),
        reference: Some(format!("{}", 70_000 + n)),
    }
}

impl Somebody {
    fn record(&self) -> Value {
        json!({
            "classification": "A1", "scheme": "12",
            "payer_number": self.payer, "recipient_number": self.recipient,
            "name": self.name, "name_kana": self.kana,
            "birth_date": self.birth, "sex": self.sex,
            "issuer_name": "見本市福祉事務所",
            "qualified_on": "2025-04-01", "valid_from": "2025-04-01",
            "reference_number": self.reference,
        })
    }

    /// Valid, with this month's ticket.
    pub fn with_ticket(&self, at: &str) -> Value {
        let mut record = self.record();
        record["tickets"] = json!([{
            "kind": "medical", "issue_number": "100001", "treatment_month": "2026-05",
            "valid_from": "2026-05-01", "valid_to": "2026-05-31",
            "institution_code": HOSPITAL, "institution_matches": true, "prescriber_code": null,
            "treatment_type": "outpatient", "self_pay_yen": 0, "use": "sole",
            "social_insurance": false, "inconsistent": false, "infectious_disease_37_2": null,
            "elderly_medical_care": null, "prefectural_expenses": null
        }]);
        answer("valid", at, &[record])
    }

    /// 未委託: no number of the assistance half.
    pub fn not_commissioned(&self, at: &str) -> Value {
        let mut record = self.record();
        record["payer_number"] = Value::Null;
        record["recipient_number"] = Value::Null;
        answer("not-commissioned", at, &[record])
    }
}

/// An answer at `at` (`2026-05-11T00:15:00Z`).
pub fn answer(validity: &str, at: &str, records: &[Value]) -> Value {
    json!({
        "folder": "face", "method": "card", "reference_classification": "1",
        "executed_at": at, "confirmed_on": "2026-05-11", "institution_code": HOSPITAL,
        "rejected": false, "validity": validity, "records": records,
    })
}

/// A refusal of the centre.
pub fn refusal(inquiry: Option<&str>) -> Value {
    json!({
        "folder": "res", "method": "ticket", "executed_at": "2026-05-11T00:15:00Z",
        "confirmed_on": "2026-05-11", "rejected": true, "code": "IO1009E", "message": "入力誤り",
        "inquiry": inquiry, "records": [],
    })
}

/// An observation of `device`, without bytes.
pub fn observed(device: &str, name: &str, kind: &str, body: Value) -> Observation {
    let facility = FacilityCode::from(HOSPITAL);
    let id = ObservationId::of_fact(&facility, device, name);
    serde_json::from_value(json!({
        "observation_id": id, "facility": HOSPITAL, "source": "terminal", "device": device,
        "sequence": 1, "seen_at": "2026-05-11T00:15:01Z", "as_of": body.get("executed_at"),
        "evidence": null, "kind": kind, "body": body,
    }))
    .unwrap()
}

/// An answer file seen by `device`.
pub fn file(device: &str, name: &str, answer: Value) -> Observation {
    observed(device, name, "oqs-answer", answer)
}

/// The same, resting on bytes.
pub fn resting_on(mut observation: Observation, key: &SealKey, bytes: &[u8]) -> Observation {
    let digest = key.derive("evidence-digest").digest(bytes);
    observation.evidence = Some(EvidenceRef {
        id: EvidenceId(digest.iter().map(|byte| format!("{byte:02x}")).collect()),
        bytes: bytes.len() as u64,
        chunks: u32::try_from(bytes.len().div_ceil(EVIDENCE_CHUNK_BYTES)).unwrap(),
        media: "application/xml".to_owned(),
    });
    observation
}
