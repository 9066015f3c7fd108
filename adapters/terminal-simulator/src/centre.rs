//! What the centre knows: who lives, whose tickets are registered, who consented, which 照会番号 and jobs there are.
//! Terminals of one group share one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Span;
use jiff::civil::{Date, DateTime};

use crate::bulk::{Job, Wanted};
use crate::decode::Question;
use crate::function::Bulk;
use crate::knobs::{ConsentCheck, Knobs};
use crate::person::{Person, Standing};
use crate::population::{Half, Population, holds, spread};
use crate::scenario::{Means, Scenario};

/// Why the centre refuses: a code of the simulator's own, and words.
pub(crate) type Refusal = (&'static str, String);

/// The centre behind one or several terminals.
pub struct Centre {
    people: Population,
    institutions: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// 照会番号 by institution and the two numbers.
    references: HashMap<(String, String, String), String>,
    /// Until when somebody's consent at an institution's reader lasts.
    consents: HashMap<(String, String), DateTime>,
    /// Consents that were given beside the desk.
    remote: Vec<Remote>,
    jobs: HashMap<String, Job>,
    issued: u64,
}

struct Remote {
    institution: String,
    person: String,
    by: Bulk,
    on: Date,
}

impl Centre {
    /// The town, the generated people that the knobs ask for, and nothing done yet.
    pub fn new(scenario: &Scenario, knobs: &Knobs) -> Self {
        Self {
            people: Population::new(knobs.people, knobs.seed),
            institutions: scenario.institutions.clone(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody as `institution` sees them: 未委託 until their ticket of that day's month is registered.
    fn seen(&self, mut person: Person, place: &Place<'_>, on: Date) -> Person {
        let month = on.first_of_month();
        let entrusted = self.is_entrusted(&person, place.institution)
            && self.is_registered(&person, place, month);
        if person.standing == Standing::Valid && person.assistance.is_some() && !entrusted {
            person.standing = Standing::NotCommissioned;
        }
        if let Some(number) = self.reference(&person, place.institution) {
            person.reference_number = Some(number);
        }
        person
    }

    /// Generated people are treated at one institution; those of the town at every one.
    fn is_entrusted(&self, person: &Person, institution: &str) -> bool {
        let Some(place) = person.id.strip_prefix("generated-") else {
            return true;
        };
        let count = self.institutions.len();
        count == 0
            || place
                .parse::<usize>()
                .is_ok_and(|place| self.institutions[place % count] == institution)
    }

    fn is_registered(&self, person: &Person, place: &Place<'_>, month: Date) -> bool {
        let office = person
            .assistance
            .as_ref()
            .map_or(0, |half| spread(&half.payer_number) >> 8);
        let calendar = place.knobs.calendar;
        calendar.is_registered(office, spread(&person.id), month, place.at.date())
    }

    fn reference(&self, person: &Person, institution: &str) -> Option<String> {
        let state = self.state();
        let found = |insurer: &str, number: &str| {
            let key = (
                institution.to_owned(),
                insurer.to_owned(),
                number.to_owned(),
            );
            state.references.get(&key).cloned()
        };
        let assistance = person.assistance.as_ref();
        let insurance = person.insurance.as_ref();
        assistance
            .and_then(|half| found(&half.payer_number, &half.recipient_number))
            .or_else(|| insurance.and_then(|half| found(&half.insurer_number, &half.number)))
    }

    /// Somebody of a scenario.
    pub(crate) fn named(&self, id: &str, place: &Place<'_>) -> Option<Person> {
        let person = self.people.named(id)?;
        Some(self.seen(person, place, place.at.date()))
    }

    /// Who is asked for.
    pub(crate) fn asked(&self, question: &Question, place: &Place<'_>) -> Option<Person> {
        let on = question.confirmed_on.unwrap_or_else(|| place.at.date());
        let person = self.people.asked(question)?;
        Some(self.seen(person, place, on))
    }

    /// Everybody whose tickets of `month` name the asking institution, as of now.
    pub(crate) fn commissioned<'c>(
        &'c self,
        month: Date,
        place: &'c Place<'_>,
    ) -> impl Iterator<Item = Person> + 'c {
        self.people
            .everybody()
            .filter(move |person| {
                person.standing == Standing::Valid
                    && self.is_entrusted(person, place.institution)
                    && self.is_registered(person, place, month)
            })
            .filter_map(move |mut person| {
                let half = person.assistance.as_mut()?;
                half.tickets
                    .retain(|ticket| ticket.other_institution.is_none() && !ticket.out_of_term);
                (!half.tickets.is_empty()).then(|| self.seen(person, place, month))
            })
    }

    /// Everybody who consented beside the desk in a period.
    pub(crate) fn consented(
        &self,
        by: Bulk,
        from: Date,
        to: Date,
        place: &Place<'_>,
    ) -> Vec<Person> {
        let ids: Vec<String> = self
            .state()
            .remote
            .iter()
            .filter(|remote| remote.institution == place.institution && remote.by == by)
            .filter(|remote| (from..=to).contains(&remote.on))
            .map(|remote| remote.person.clone())
            .collect();
        ids.iter().filter_map(|id| self.named(id, place)).collect()
    }

    /// Notes a consent, at the reader for a day, or beside the desk.
    pub(crate) fn consent(&self, person: &str, by: Means, place: &Place<'_>) {
        let institution = place.institution.to_owned();
        let person = person.to_owned();
        let by = match by {
            Means::Card => {
                let until = place.at.checked_add(Span::new().days(1));
                let until = until.unwrap_or(place.at);
                self.state().consents.insert((institution, person), until);
                return;
            }
            Means::Ticket => return,
            Means::HomeVisit => Bulk::HomeVisit,
            Means::Online => Bulk::Online,
        };
        self.state().remote.push(Remote {
            institution,
            person,
            by,
            on: place.at.date(),
        });
    }

    /// Whose medical information two numbers open, if that person is covered and consented.
    pub(crate) fn opened(
        &self,
        insurer: &str,
        number: &str,
        place: &Place<'_>,
    ) -> Result<Person, Refusal> {
        let found = self.people.numbered(insurer, number);
        let person = found
            .map(|person| self.seen(person, place, place.at.date()))
            .filter(|person| person.standing == Standing::Valid)
            .ok_or_else(|| ("SIM0005", "該当する資格がありません".to_owned()))?;
        let key = (place.institution.to_owned(), person.id.clone());
        let lives = |until: &DateTime| *until >= place.at;
        let consented = place.knobs.consent_check == ConsentCheck::Assumed
            || self.state().consents.get(&key).is_some_and(lives);
        if consented {
            Ok(person)
        } else {
            Err(("SIM0006", "有効な同意がありません".to_owned()))
        }
    }

    /// Registers a 照会番号 for whoever has these numbers now; registering again overwrites.
    pub(crate) fn register(
        &self,
        insurer: &str,
        number: &str,
        reference: &str,
        place: &Place<'_>,
    ) -> Result<(), Refusal> {
        let found = self.people.numbered(insurer, number);
        let is_known = found.is_some_and(|person| {
            let half = holds(&person, insurer, number);
            let seen = self.seen(person, place, place.at.date());
            seen.standing == Standing::Valid
                || (half == Some(Half::Insurance) && seen.standing == Standing::NotCommissioned)
        });
        if !is_known {
            return Err(("SIM0005", "該当する資格がありません".to_owned()));
        }
        let key = (
            place.institution.to_owned(),
            insurer.to_owned(),
            number.to_owned(),
        );
        self.state().references.insert(key, reference.to_owned());
        Ok(())
    }

    /// Takes a job and gives its 受付番号: the day and a number of its own.
    pub(crate) fn accept(&self, kind: Bulk, wanted: Wanted, place: &Place<'_>) -> String {
        let mut state = self.state();
        state.issued += 1;
        let reception = format!("{}{:010}", place.at.strftime("%Y%m%d"), state.issued);
        let job = Job {
            kind,
            institution: place.institution.to_owned(),
            accepted_at: place.at,
            wanted,
            asked: 0,
            collected: 0,
        };
        state.jobs.insert(reception.clone(), job);
        reception
    }

    /// How a job stands: `Ok(None)` while the centre works on it.
    pub(crate) fn collect(
        &self,
        kind: Bulk,
        reception: &str,
        place: &Place<'_>,
    ) -> Result<Option<Job>, Refusal> {
        let mut state = self.state();
        let job = state
            .jobs
            .get_mut(reception)
            .filter(|job| job.kind == kind && job.institution == place.institution)
            .ok_or_else(|| ("SIM0008", "受付番号がありません".to_owned()))?;
        let age = place.at.duration_since(job.accepted_at);
        let lives = 86_400 * i64::from(place.knobs.reception_days);
        if age.as_secs() > lives {
            return Err(("SIM0007", "受付番号の有効期限が切れています".to_owned()));
        }
        job.asked += 1;
        let processing = i64::try_from(place.knobs.processing.as_secs()).unwrap_or(i64::MAX);
        if job.asked <= place.knobs.working_rounds || age.as_secs() < processing {
            return Ok(None);
        }
        job.collected += 1;
        Ok(Some(job.clone()))
    }
}

/// Which institution's terminal asks, when, and how the terminal behaves.
pub(crate) struct Place<'a> {
    pub institution: &'a str,
    pub at: DateTime,
    pub knobs: &'a Knobs,
}
