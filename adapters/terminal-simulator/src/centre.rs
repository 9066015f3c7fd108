//! What the centre knows: who lives, whose tickets are registered, who consented, which 照会番号 and jobs there are.
//! Terminals of one group share one.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use jiff::Span;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::bulk::{Job, Wanted};
use crate::decode::Question;
use crate::function::Bulk;
use crate::knobs::{ConsentCheck, Knobs};
use crate::memory::{Memory, Taken};
use crate::person::{Person, Standing};
use crate::population::{Half, Population, holds, spread};
use crate::scenario::Scenario;

/// Why the centre refuses: a code of the simulator's own, and words.
pub(crate) type Refusal = (&'static str, String);

/// The centre behind one or several terminals.
pub struct Centre {
    people: Population,
    institutions: Vec<String>,
    memory: Memory,
}

/// What changes while terminals ask.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// 照会番号 by institution and the two numbers.
    references: HashMap<String, String>,
    /// Until when somebody's consent at an institution's reader lasts.
    consents: HashMap<String, DateTime>,
    /// Consents that were given beside the desk.
    remote: Vec<Remote>,
    /// Whose cards were registered at a reader.
    #[serde(default)]
    registered_cards: HashSet<String>,
    jobs: HashMap<String, Job>,
    issued: u64,
}

#[derive(Serialize, Deserialize)]
struct Remote {
    institution: String,
    person: String,
    by: Bulk,
    on: Date,
}

/// One key of several parts.
fn key(parts: &[&str]) -> String {
    parts.join("/")
}

impl Centre {
    /// The town, the generated people that the knobs ask for, and nothing done yet.
    pub fn new(scenario: &Scenario, knobs: &Knobs) -> Self {
        Self::remembering(scenario, knobs, Memory::alone())
    }

    /// The same before what was done earlier: jobs, 照会番号 and consents are kept in a folder that several processes
    /// share, beside a record of every request that their terminals took.
    ///
    /// # Errors
    /// A folder that can't be made, locked or read.
    pub fn shared(scenario: &Scenario, knobs: &Knobs, folder: &Path) -> io::Result<Self> {
        Ok(Self::remembering(scenario, knobs, Memory::shared(folder)?))
    }

    fn remembering(scenario: &Scenario, knobs: &Knobs, memory: Memory) -> Self {
        Self {
            people: Population::new(knobs.people, knobs.seed),
            institutions: scenario.institutions.clone(),
            memory,
        }
    }

    /// A terminal took a request.
    pub(crate) fn note(&self, taken: &Taken<'_>) {
        self.memory.note(taken);
    }

    /// Everybody, and where they are treated.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = (Person, Option<&str>)> {
        self.people.everybody().map(|person| {
            let mut all = self.institutions.iter().map(String::as_str);
            let at = match person.id.starts_with("generated-") {
                true => all.find(|institution| self.is_entrusted(&person, institution)),
                false => None,
            };
            (person, at)
        })
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
        let calendar = place.knobs.calendar.of(office(person));
        calendar.is_registered(spread(&person.id), month, place.at.date())
    }

    fn reference(&self, person: &Person, institution: &str) -> Option<String> {
        self.memory.look(|state| {
            let found = |insurer: &str, number: &str| {
                let known = state.references.get(&key(&[institution, insurer, number]));
                known.cloned()
            };
            let assistance = person.assistance.as_ref();
            let insurance = person.insurance.as_ref();
            assistance
                .and_then(|half| found(&half.payer_number, &half.recipient_number))
                .or_else(|| insurance.and_then(|half| found(&half.insurer_number, &half.number)))
        })
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
        let ids: Vec<String> = self.memory.look(|state| {
            let remote = state.remote.iter();
            remote
                .filter(|remote| remote.institution == place.institution && remote.by == by)
                .filter(|remote| (from..=to).contains(&remote.on))
                .map(|remote| remote.person.clone())
                .collect()
        });
        ids.iter().filter_map(|id| self.named(id, place)).collect()
    }

    /// Notes a consent at the reader, for a day.
    pub(crate) fn consent(&self, person: &str, place: &Place<'_>) {
        let until = place.at.checked_add(Span::new().days(1));
        let until = until.unwrap_or(place.at);
        let key = key(&[place.institution, person]);
        self.memory
            .change(|state| state.consents.insert(key, until));
    }

    /// Notes a consent that was given beside the desk.
    pub(crate) fn consent_beside(&self, person: &str, by: Bulk, place: &Place<'_>) {
        let remote = Remote {
            institution: place.institution.to_owned(),
            person: person.to_owned(),
            by,
            on: place.at.date(),
        };
        self.memory.change(|state| state.remote.push(remote));
    }

    /// Registers somebody's card at the reader.
    pub(crate) fn register_card(&self, person: &str) {
        self.memory
            .change(|state| state.registered_cards.insert(person.to_owned()));
    }

    /// Whether somebody's card can be checked.
    pub(crate) fn knows_card(&self, person: &Person) -> bool {
        let registered = |state: &State| state.registered_cards.contains(&person.id);
        person.card_registered || self.memory.look(registered)
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
        let key = key(&[place.institution, &person.id]);
        let lives = |until: &DateTime| *until >= place.at;
        let consented = place.knobs.consent_check == ConsentCheck::Assumed
            || self
                .memory
                .look(|state| state.consents.get(&key).is_some_and(lives));
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
        let key = key(&[place.institution, insurer, number]);
        self.memory
            .change(|state| state.references.insert(key, reference.to_owned()));
        Ok(())
    }

    /// Takes a job and gives its 受付番号: the day and a number of its own.
    pub(crate) fn accept(&self, kind: Bulk, wanted: Wanted, place: &Place<'_>) -> String {
        let job = Job {
            kind,
            institution: place.institution.to_owned(),
            accepted_at: place.at,
            wanted,
            asked: 0,
            collected: 0,
        };
        self.memory.change(|state| {
            state.issued += 1;
            let reception = format!("{}{:010}", place.at.strftime("%Y%m%d"), state.issued);
            state.jobs.insert(reception.clone(), job);
            reception
        })
    }

    /// How a job stands: `Ok(None)` while the centre works on it.
    pub(crate) fn collect(
        &self,
        kind: Bulk,
        reception: &str,
        place: &Place<'_>,
    ) -> Result<Option<Job>, Refusal> {
        self.memory.change(|state| {
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
        })
    }
}

/// The number of somebody's welfare office: the last three digits of 公費負担者番号 before its check digit.
pub(crate) fn office(person: &Person) -> u64 {
    let half = person.assistance.as_ref();
    let digits = half.and_then(|half| half.payer_number.get(4..7)?.parse().ok());
    digits.unwrap_or_default()
}

/// Which institution's terminal asks, when, and how the terminal behaves.
pub(crate) struct Place<'a> {
    pub institution: &'a str,
    pub at: DateTime,
    pub knobs: &'a Knobs,
}
