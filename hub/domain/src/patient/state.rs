//! What is known of one record.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{
    CommissionedTicket, ConsentRecorded, MedicalInformationReceived, NotCommissionedObserved,
    PersonDetails, QualificationDetails, QualificationLost, TicketKey,
};
use shikaku_schemas::value::{
    AsOf, FacilityCode, Method, Month, PatientNumber, QualificationId, ReferenceNumber, SchemeCode,
    Validity,
};

/// Everything [`decide`](super::decide) looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientState {
    /// Whether the record exists.
    pub seen: bool,
    /// Whether its payloads are gone for good.
    pub erased: bool,
    /// No number of any kind is known.
    pub provisional: bool,
    /// The chart number.
    pub patient_number: Option<PatientNumber>,
    /// Who, by the newest answer.
    pub person: PersonDetails,
    /// The centre's time of `person`.
    pub person_as_of: Option<AsOf>,
    /// Qualifications ever granted, in order of arrival.
    pub qualifications: Vec<KnownQualification>,
    /// Tickets, in order of arrival: their index is what a sighting names.
    pub tickets: Vec<KnownTicket>,
    /// Months that a 未委託 or a matching ticket spoke of.
    pub months: Vec<KnownMonth>,
    /// The newest consent of each facility, scope and source.
    pub consents: Vec<KnownConsent>,
    /// 照会番号 at the centre, of each facility and qualification.
    pub references: Vec<KnownReference>,
    /// Medical information held, the newest of each facility and scope.
    pub medical: Vec<KnownMedical>,
    /// Facilities that checked this person by card or ticket.
    pub checked_at: BTreeSet<FacilityCode>,
    /// The newest centre's time of a card at each facility: the person's newest word about consents.
    pub carded_as_of: BTreeMap<FacilityCode, AsOf>,
    /// Ends of qualifications that were never granted here.
    pub unknown_losses: Vec<SeenLoss>,
    /// The newest centre's time at which each half (by scheme) was verified.
    pub verified_as_of: BTreeMap<String, AsOf>,
    /// Whether the person must not be disclosed.
    pub non_disclosure: bool,
}

impl PatientState {
    /// Whether any public assistance was ever granted, as far as is known.
    pub fn has_assistance(&self) -> bool {
        self.qualifications
            .iter()
            .any(KnownQualification::is_assistance)
    }
}

/// One qualification, with the newest statement of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownQualification {
    /// Its id.
    pub id: QualificationId,
    /// Its details by the newest answer that saw it valid.
    pub details: QualificationDetails,
    /// Who held it then.
    pub person: PersonDetails,
    /// 資格確認日 of the event that told the details.
    pub confirmed_on: Date,
    /// How it was checked then.
    pub method: Method,
    /// When it was last seen valid.
    pub valid_as_of: AsOf,
    /// The newest loss, if one was seen.
    pub loss: Option<KnownLoss>,
    /// When the centre last said that there is a newer one.
    pub newer_as_of: Option<AsOf>,
    /// Facilities that saw it valid: what is known at one is not used at another.
    pub valid_at: BTreeSet<FacilityCode>,
    /// Whether that was recorded; see [`KnownQualification::is_superseded`].
    pub superseded: bool,
    /// Its successor, where known.
    pub superseded_by: Option<QualificationId>,
}

impl KnownQualification {
    /// Whether the newest knowledge is that it ended. Of two statements of the same second the loss counts.
    pub fn is_lost(&self) -> bool {
        self.loss
            .as_ref()
            .is_some_and(|loss| loss.as_of >= self.valid_as_of)
    }

    /// Whether the newest knowledge is that it ended and that there is a newer one.
    pub fn is_superseded(&self) -> bool {
        self.superseded && self.is_lost() && self.newer_as_of >= Some(self.valid_as_of)
    }

    /// Whether it is public assistance.
    pub fn is_assistance(&self) -> bool {
        self.details.scheme == Some(SchemeCode::public_assistance())
    }

    /// Whether it is medical insurance.
    pub fn is_insurance(&self) -> bool {
        self.details
            .scheme
            .as_ref()
            .is_some_and(SchemeCode::is_insurance)
    }

    /// Whether it covers `day`, by the newest knowledge. A lost one without a known last day covers none.
    pub fn covers(&self, day: Date) -> bool {
        let begun = self.details.valid_from.is_none_or(|from| from <= day);
        let last = self.details.valid_to;
        let lasts = last.is_none_or(|last| day <= last);
        let not_lost = match &self.loss {
            Some(loss) if self.is_lost() => loss.lost.valid_to.is_some_and(|last| day <= last),
            _ => true,
        };
        begun && lasts && not_lost
    }
}

/// A 照会番号 as one facility has it at the centre for one qualification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownReference {
    /// The facility.
    pub facility: Option<FacilityCode>,
    /// The qualification it hangs on.
    pub qualification_id: Option<QualificationId>,
    /// The number; none after it lapsed.
    pub number: Option<ReferenceNumber>,
    /// The centre's time of what was recorded last.
    pub as_of: Option<AsOf>,
    /// How often it lapsed.
    pub lapses: u32,
}

/// A consent to one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownConsent {
    /// The facility at whose reader, or in whose chart, it was given.
    pub facility: Option<FacilityCode>,
    /// What was recorded.
    pub consent: ConsentRecorded,
}

/// Medical information that a facility holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMedical {
    /// The facility whose chart record it is.
    pub facility: Option<FacilityCode>,
    /// The centre's time.
    pub as_of: Option<AsOf>,
    /// What was recorded.
    pub received: MedicalInformationReceived,
}

/// The newest loss of a qualification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLoss {
    /// The centre's time of the newest answer that saw it lost.
    pub as_of: AsOf,
    /// What was recorded.
    pub lost: QualificationLost,
}

/// The end of a qualification that was never granted here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLoss {
    /// The centre's time.
    pub as_of: AsOf,
    /// What will be recorded if an older answer still grants it.
    pub lost: QualificationLost,
    /// When the centre last said that there is a newer one.
    pub newer_as_of: Option<AsOf>,
}

/// One ticket as one facility sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTicket {
    /// The facility that was told.
    pub facility: Option<FacilityCode>,
    /// What it says by the newest sighting.
    pub content: CommissionedTicket,
    /// The centre's time of the newest sighting.
    pub as_of: AsOf,
    /// Withdrawn by a settlement.
    pub withdrawn: bool,
}

impl KnownTicket {
    /// Its identity inside the record.
    pub fn key(&self) -> TicketKey {
        self.content.key()
    }
}

/// One month at one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMonth {
    /// The facility.
    pub facility: Option<FacilityCode>,
    /// The month.
    pub month: Month,
    /// The newest answer that said 未委託.
    pub waiting_as_of: Option<AsOf>,
    /// The newest sighting of a ticket of the month for this facility.
    pub commissioned_as_of: Option<AsOf>,
    /// The news that went out last: 未委託, unless a ticket came after it.
    pub announced: bool,
    /// What was announced.
    pub notice: Option<NotCommissionedObserved>,
}

impl KnownMonth {
    /// Whether the newest knowledge is 未委託. Of two statements of the same second 未委託 counts, because
    /// it is the one that hides numbers.
    pub fn is_waiting(&self) -> bool {
        self.waiting_as_of.is_some() && self.waiting_as_of >= self.commissioned_as_of
    }
}

/// What a record knows now about one day at one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Who.
    pub person: PersonDetails,
    /// The chart number.
    pub patient_number: Option<PatientNumber>,
    /// Whether the day's month is 未委託 there: then no number of the assistance half may be shown.
    pub not_commissioned: bool,
    /// Each half known.
    pub halves: Vec<CurrentHalf>,
    /// Tickets of the day's month at that facility, none while it is 未委託.
    pub tickets: Vec<CommissionedTicket>,
}

/// One half as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentHalf {
    /// The qualification; null while the day's month is 未委託.
    pub qualification_id: Option<QualificationId>,
    /// Its scheme.
    pub scheme: Option<SchemeCode>,
    /// How it stands.
    pub validity: Validity,
}

impl PatientState {
    /// How things stand for `day` at `facility`, by the newest knowledge.
    pub fn current(&self, facility: &FacilityCode, day: Date) -> Current {
        let month = Month::of(day);
        let not_commissioned = self
            .month(Some(facility), month)
            .is_some_and(KnownMonth::is_waiting);
        Current {
            person: self.person.clone(),
            patient_number: self.patient_number.clone(),
            not_commissioned,
            halves: self.halves(day, not_commissioned),
            tickets: self
                .tickets
                .iter()
                .filter(|ticket| !not_commissioned && !ticket.withdrawn)
                .filter(|ticket| ticket.facility.as_ref() == Some(facility))
                .filter(|ticket| ticket.content.ticket.treatment_month == month)
                .map(|ticket| ticket.content.clone())
                .collect(),
        }
    }

    fn halves(&self, day: Date, not_commissioned: bool) -> Vec<CurrentHalf> {
        let assistance = SchemeCode::public_assistance();
        let mut halves: Vec<_> = self
            .qualifications
            .iter()
            .filter(|known| !not_commissioned || known.details.scheme.as_ref() != Some(&assistance))
            .map(|known| CurrentHalf {
                qualification_id: Some(known.id),
                scheme: known.details.scheme.clone(),
                validity: if known.covers(day) {
                    Validity::Valid
                } else if known.is_superseded() {
                    Validity::LostWithNewer
                } else {
                    Validity::Lost
                },
            })
            .collect();
        if not_commissioned {
            halves.push(CurrentHalf {
                qualification_id: None,
                scheme: Some(assistance),
                validity: Validity::NotCommissioned,
            });
        }
        halves
    }

    /// The qualification of an id.
    pub fn qualification(&self, id: QualificationId) -> Option<&KnownQualification> {
        self.qualifications.iter().find(|known| known.id == id)
    }

    /// The 照会番号 of a qualification at a facility.
    pub fn reference(
        &self,
        facility: Option<&FacilityCode>,
        id: QualificationId,
    ) -> Option<&KnownReference> {
        self.references
            .iter()
            .find(|known| known.facility.as_ref() == facility && known.qualification_id == Some(id))
    }

    /// What is known of a month at a facility.
    pub fn month(&self, facility: Option<&FacilityCode>, month: Month) -> Option<&KnownMonth> {
        self.months
            .iter()
            .find(|known| known.facility.as_ref() == facility && known.month == month)
    }

    /// The place of a ticket of a facility.
    pub(super) fn ticket_index(
        &self,
        facility: Option<&FacilityCode>,
        key: &TicketKey,
    ) -> Option<usize> {
        self.tickets
            .iter()
            .position(|known| known.facility.as_ref() == facility && known.key() == *key)
    }
}
