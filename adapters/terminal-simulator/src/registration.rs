//! 照会番号の登録, for one person; many go through a job and come back as units.

use serde::{Deserialize, Serialize};

use crate::answer::{character_code, finish};
use crate::centre::{Centre, Place, Refusal};
use crate::element::Element;
use crate::tree::Node;

/// What is to be registered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Registration {
    reference: Option<String>,
    insurer: Option<String>,
    symbol: Option<String>,
    number: Option<String>,
    branch: Option<String>,
}

impl Registration {
    /// As a request has it.
    pub(crate) fn of(info: &Node) -> Self {
        Self {
            reference: info.value("ReferenceNumber"),
            insurer: info.value("InsurerNumber"),
            symbol: info.value("InsuredCardSymbol"),
            number: info.value("InsuredIdentificationNumber"),
            branch: info.value("InsuredBranchNumber"),
        }
    }

    /// Registers it.
    pub(crate) fn register(&self, centre: &Centre, place: &Place<'_>) -> Result<(), Refusal> {
        let (Some(reference), Some(insurer), Some(number)) =
            (&self.reference, &self.insurer, &self.number)
        else {
            return Err(("SIM0001", "必須項目がありません".to_owned()));
        };
        centre.register(insurer, number, reference, place)
    }

    fn echo(&self) -> Element {
        let leaf =
            |name, text: &Option<String>| text.as_ref().map(|text| Element::leaf(name, text));
        let children = [
            leaf("ReferenceNumber", &self.reference),
            leaf("InsurerNumber", &self.insurer),
            leaf("InsuredCardSymbol", &self.symbol),
            leaf("InsuredIdentificationNumber", &self.number),
            leaf("InsuredBranchNumber", &self.branch),
        ];
        let children = children.into_iter().flatten().collect();
        Element::branch("ReferenceNumberRegistrationInfo", children)
    }
}

fn outcome(row: &Registration, refusal: Option<(&str, &str)>) -> Vec<Element> {
    let status = if refusal.is_some() { "2" } else { "1" };
    let mut children = vec![row.echo(), Element::leaf("ProcessingResultStatus", status)];
    if let Some((code, message)) = refusal {
        children.push(Element::leaf("ProcessingResultCode", code));
        children.push(Element::leaf("ProcessingResultMessage", message));
    }
    children
}

/// One unit of a job's result.
pub(crate) fn unit(row: &Registration, refusal: Option<(&str, &str)>) -> Element {
    Element::branch("BulkRegistrationUnit", outcome(row, refusal))
}

/// The answer about one person.
pub(crate) fn answer(request: &Node, centre: &Centre, place: &Place<'_>) -> Vec<u8> {
    let none = Node::default();
    let header = request.child("MessageHeader").unwrap_or(&none);
    let body = request.child("MessageBody").unwrap_or(&none);
    let at = place.at.strftime("%Y%m%d%H%M%S").to_string();
    let mut head = vec![
        Element::leaf("ProcessExecutionTime", at),
        Element::leaf("MedicalInstitutionCode", place.institution),
        Element::leaf("CharacterCodeIdentifier", character_code(place.knobs)),
    ];
    let identifier = header.value("ArbitraryFileIdentifier");
    head.extend(identifier.map(|text| Element::leaf("ArbitraryFileIdentifier", text)));
    let refused = |mut head: Vec<Element>, code: &str, message: &str| {
        head.push(Element::leaf("SegmentOfResult", "9"));
        head.push(Element::leaf("ErrorCode", code));
        head.push(Element::leaf("ErrorMessage", message));
        finish(
            Element::branch("MessageHeader", head),
            Vec::new(),
            place.knobs,
        )
    };
    if header.value("MedicalInstitutionCode").as_deref() != Some(place.institution) {
        return refused(head, "SIM0003", "医療機関コードが一致しません");
    }
    let Some(info) = body.child("ReferenceNumberRegistrationInfo") else {
        return refused(head, "SIM0001", "必須項目がありません");
    };
    let row = Registration::of(info);
    let refused = row.register(centre, place).err();
    head.push(Element::leaf("SegmentOfResult", "1"));
    finish(
        Element::branch("MessageHeader", head),
        outcome(
            &row,
            refused.as_ref().map(|(code, words)| (*code, &**words)),
        ),
        place.knobs,
    )
}
