//! Medical information as it came, and what it says. Whoever gives it out has logged the look, with its purpose, before.

use jiff::Timestamp;
use serde::Serialize;
use shikaku_schemas::event::{Event, EventHead, MedicalInformationReceived};
use shikaku_schemas::oqs::medical::MedicalChart;
use shikaku_schemas::value::{AsOf, ConsentScope, EvidenceId, FacilityCode, Month, StreamId};

use super::{Queries, QueryError, Who};

/// One file that came, of one or more scopes.
#[derive(Debug, Clone, Serialize)]
pub struct MedicalView {
    /// What was asked for.
    pub scopes: Vec<ConsentScope>,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// The centre's time.
    pub as_of: Option<AsOf>,
    /// The first month asked for, or of the first check-up.
    pub from_month: Option<Month>,
    /// The last.
    pub to_month: Option<Month>,
    /// The centre holds none; of check-ups: the office registered none.
    pub empty: bool,
    /// Where the bytes are.
    pub evidence: EvidenceId,
    /// `xml` or `pdf`; null when the evidence was erased.
    pub form: Option<&'static str>,
    /// What it says, of the scopes asked about; null for a PDF, which is given as it came.
    pub chart: Option<MedicalChart>,
    /// The file as received.
    #[serde(skip)]
    pub file: Option<Vec<u8>>,
}

impl Queries {
    /// What came for somebody at a facility, oldest first; of one scope, or of all. A consent is not asked after: it
    /// gated the request, and what came is the facility's chart record.
    ///
    /// # Errors
    /// As [`Queries::record`]; or evidence that is not what its id says.
    pub async fn medical(
        &self,
        facility: &FacilityCode,
        who: &Who,
        scope: Option<ConsentScope>,
    ) -> Result<Vec<MedicalView>, QueryError> {
        let record = self.record(facility, who).await?;
        let mut views: Vec<MedicalView> = Vec::new();
        for (head, event) in self.stream(&StreamId::patient(record)).await? {
            let Some(Event::MedicalInformationReceived(told)) = event else {
                continue;
            };
            let is_here = head.facility.as_ref() == Some(facility);
            if !is_here || scope.is_some_and(|scope| scope != told.scope) {
                continue;
            }
            match views.iter_mut().find(|view| view.evidence == told.evidence) {
                Some(view) => view.add(&told),
                None => views.push(self.opened(&head, &told).await?),
            }
        }
        for view in &mut views {
            view.keep_to_scopes();
        }
        Ok(views)
    }

    async fn opened(
        &self,
        head: &EventHead,
        told: &MedicalInformationReceived,
    ) -> Result<MedicalView, QueryError> {
        let file = self.ledger.evidence(&told.evidence).await?;
        let form = file
            .as_ref()
            .map(|bytes| match bytes.starts_with(b"%PDF-") {
                true => "pdf",
                false => "xml",
            });
        let xml = file.as_deref().filter(|_| form == Some("xml"));
        // It was read when it came; what this version can't read is given as it came.
        let chart = xml.and_then(|bytes| MedicalChart::read(bytes).ok());
        Ok(MedicalView {
            scopes: vec![told.scope],
            received_at: head.recorded_at,
            as_of: head.as_of,
            from_month: told.from_month,
            to_month: told.to_month,
            empty: told.empty,
            evidence: told.evidence.clone(),
            form,
            chart,
            file,
        })
    }
}

impl MedicalView {
    /// Drugs and treatments come in one file.
    fn add(&mut self, told: &MedicalInformationReceived) {
        if !self.scopes.contains(&told.scope) {
            self.scopes.push(told.scope);
            self.empty &= told.empty;
        }
    }

    fn keep_to_scopes(&mut self) {
        let Some(chart) = &mut self.chart else {
            return;
        };
        let has = |scope| self.scopes.contains(&scope);
        if !has(ConsentScope::Drug) {
            chart.drugs.clear();
        }
        if !has(ConsentScope::Treatment) {
            chart.treatments.clear();
        }
        if !has(ConsentScope::Checkup) {
            chart.checkups.clear();
        }
    }
}
