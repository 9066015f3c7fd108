//! Knobs: where terminals differ, and how they misbehave.

use std::time::Duration;

/// Why a knob was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnobError {
    /// Not of the form `name=value`.
    #[error("`{0}` is not of the form NAME=VALUE; knobs:\n{list}", list = Knobs::describe())]
    Form(String),
    /// No knob of that name.
    #[error("there is no knob `{0}`; knobs:\n{list}", list = Knobs::describe())]
    Unknown(String),
    /// A value that the knob does not have.
    #[error("knob `{name}` can't be `{value}`; it takes {takes}")]
    Value {
        /// The knob.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        takes: String,
    },
}

macro_rules! knobs {
    ($(
        $(#[$doc:meta])+
        $field:ident($knob:literal): $type:ident {
            $($(#[$vdoc:meta])+ $variant:ident => $word:literal),+ $(,)?
        }
    )+) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $type { $($(#[$vdoc])+ $variant),+ }
        )+

        /// How this terminal behaves. The default is a well-behaved one.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Knobs {
            $($(#[$doc])+ pub $field: $type,)+
            /// Time between taking a request and its answer.
            pub latency: Duration,
            /// How long a late answer lets the asker wait.
            pub late: Duration,
            /// Seed of everything random here.
            pub seed: u64,
            /// How often a job is still worked on when asked for.
            pub working_rounds: u32,
            /// How long the centre works on a job, by the simulator's clock.
            pub processing: Duration,
            /// How many days a 受付番号 lives.
            pub reception_days: u32,
            /// Rows that one bulk request may have.
            pub most_rows: u32,
            /// People generated beside those of the town.
            pub people: u32,
            /// Minutes, by the simulator's clock, after which an answer that nobody took is tidied away; 0: never.
            pub stay_minutes: u32,
        }

        impl Default for Knobs {
            fn default() -> Self {
                Self {
                    $($field: [$($type::$variant),+][0],)+
                    latency: Duration::from_millis(300),
                    late: Duration::from_secs(240),
                    seed: 1,
                    working_rounds: 0,
                    processing: Duration::ZERO,
                    reception_days: 7,
                    most_rows: 1000,
                    people: 0,
                    stay_minutes: 0,
                }
            }
        }

        impl Knobs {
            fn choices() -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$(($knob, vec![$($word),+])),+]
            }

            fn choose(&mut self, name: &str, value: &str) -> bool {
                match (name, value) {
                    $($(($knob, $word) => self.$field = $type::$variant,)+)+
                    _ => return false,
                }
                true
            }
        }
    };
}

knobs! {
    /// Where an assistance record holds its two numbers.
    numbers("numbers"): Numbers {
        /// In InsurerNumber and InsuredIdentificationNumber.
        H1 => "h1",
        /// In PublicExpenseNumber and BeneficiaryNumber.
        H2 => "h2",
        /// In both.
        Both => "both",
    }
    /// How 未委託 looks.
    not_commissioned("not-commissioned"): NotCommissionedForm {
        /// Validity 6, the numbers left out.
        Absent => "absent",
        /// Validity 6, the numbers blank.
        Blank => "blank",
        /// Validity 1, the numbers left out.
        ValidityOne => "validity-1",
        /// Validity 6, the numbers left out, an empty list of tickets.
        EmptyList => "empty-list",
    }
    /// Which half of a combined answer stands first.
    combined_order("combined-order"): CombinedOrder {
        /// Insurance.
        InsuranceFirst => "insurance-first",
        /// Assistance.
        AssistanceFirst => "a1-first",
    }
    /// How the element about infectious disease is spelt.
    spelling("spelling"): Spelling {
        /// `StatusOfInfecton`, as both known programs have it.
        Infecton => "infecton",
        /// `StatusOfInfection`.
        Infection => "infection",
    }
    /// Encoding of answers.
    encoding("encoding"): Encoding {
        /// UTF-8.
        Utf8 => "utf-8",
        /// Microsoft's Shift_JIS (CP932).
        ShiftJis => "shift-jis",
        /// UTF-8 behind a byte order mark.
        Utf8Bom => "utf-8-bom",
    }
    /// What 文字コード識別 says for UTF-8 and Shift_JIS.
    character_code("character-code"): CharacterCode {
        /// 0 and 1.
        ZeroOne => "01",
        /// 1 and 2.
        OneTwo => "12",
    }
    /// Order of elements.
    order("order"): Order {
        /// Always the same.
        Fixed => "fixed",
        /// Any, by the seed.
        Shuffled => "shuffled",
    }
    /// How files come into being.
    writing("writing"): Writing {
        /// Under another name, then renamed.
        Atomic => "atomic",
        /// Under the final name, in chunks with pauses.
        Chunks => "chunks",
        /// Cut off, and never mended.
        Truncated => "truncated",
        /// Empty and locked for a while, then whole.
        Locked => "locked",
        /// Whole, and taken away by another program at once.
        Vanishing => "vanishing",
    }
    /// What becomes of requests that were taken.
    silence("silence"): Silence {
        /// Answered.
        None => "none",
        /// Never answered.
        NoAnswer => "no-answer",
        /// Answered after the asker gave up.
        Late => "late",
        /// Answered twice.
        Duplicate => "duplicate",
    }
    /// What names are written with.
    names("names"): Names {
        /// What every system can show.
        Plain => "plain",
        /// ● for a character that the centre could not map.
        Unmappable => "unmappable",
        /// Variants and characters of JIS level 3.
        LevelThree => "level3",
        /// Very long.
        Long => "long",
    }
    /// What tickets the people of the town hold.
    tickets("tickets"): Tickets {
        /// Each person's own.
        AsPlanned => "as-planned",
        /// Several a month.
        Several => "several",
        /// Named for another institution.
        OtherInstitution => "other-institution",
        /// Out of term.
        OutOfTerm => "out-of-term",
        /// With the mark of inconsistent social insurance.
        Inconsistent => "inconsistent",
        /// 調剤券 with an issuer.
        Dispensing => "dispensing",
    }
    /// When the welfare offices register the tickets of a month.
    calendar("calendar"): Calendar {
        /// They always have.
        Off => "off",
        /// On the 15th.
        Fifteenth => "15",
        /// On the 20th.
        Twentieth => "20",
        /// Each Monday, what was decided in the week before.
        Weekly => "weekly",
        /// Each office in its own of these ways.
        Mixed => "mixed",
    }
    /// Which consents people give at the reader.
    consents("consents"): Consents {
        /// Drugs and treatment.
        DrugsAndTreatment => "drugs",
        /// Check-ups too.
        All => "all",
        /// None.
        None => "none",
    }
    /// Whether drugs, treatment and check-ups need a consent of the last 24 hours.
    consent_check("consent-check"): ConsentCheck {
        /// They do, as at the centre.
        Required => "required",
        /// It is taken as given.
        Assumed => "assumed",
    }
    /// What is known of anybody's drugs, treatment and check-ups.
    medical("medical"): Medical {
        /// Something.
        Some => "some",
        /// Nothing.
        Nothing => "nothing",
    }
    /// Form of bulk results.
    bulk_form("bulk-form"): BulkForm {
        /// Plain.
        Xml => "xml",
        /// Packed.
        Zip => "zip",
        /// Packed, with entries that nobody asked for.
        ZipOdd => "zip-odd",
        /// Packed under the password `himitsu`.
        ZipEncrypted => "zip-encrypted",
    }
    /// Whether interfaces that can be encrypted are: answers and face files become ZIPs under the password `himitsu`.
    interfaces("interfaces"): Interfaces {
        /// They are plain.
        Plain => "plain",
        /// They are encrypted, those apart that never are (一括取得, 訪問診療等, オンライン診療等).
        Encrypted => "encrypted",
    }
    /// What a unit of 一括取得 is about.
    bulk_units("bulk-units"): BulkUnits {
        /// A patient with all tickets.
        PerPatient => "per-patient",
        /// One ticket.
        PerTicket => "per-ticket",
    }
    /// Order of units.
    bulk_order("bulk-order"): BulkOrder {
        /// As asked.
        AsAsked => "as-asked",
        /// The last first.
        Reversed => "reversed",
    }
    /// Whether 一括取得 shows insurance beside the tickets.
    bulk_insurance("bulk-insurance"): BulkInsurance {
        /// It does not.
        Without => "without",
        /// It does.
        With => "with",
    }
    /// Where an accepted job tells its 受付番号.
    reception_place("reception-place"): ReceptionPlace {
        /// In the body.
        Body => "body",
        /// In the header.
        Header => "header",
    }
    /// What goes wrong with bulk results.
    bulk_mistake("bulk-mistake"): BulkMistake {
        /// Nothing.
        None => "none",
        /// They come empty.
        Empty => "empty",
        /// The first one comes empty, later ones do not.
        EmptyOnce => "empty-once",
        /// They are cut off.
        Cut => "cut",
        /// Each unit stands there twice.
        Repeated => "repeated",
        /// 任意の識別子 comes back blank.
        BlankIdentifiers => "blank-identifiers",
        /// The counts are wrong.
        Miscounted => "miscounted",
    }
}

/// Knobs that take a number.
const NUMBERS: [&str; 9] = [
    "latency-ms",
    "late-ms",
    "seed",
    "processing-s",
    "working-rounds",
    "reception-days",
    "bulk-most",
    "people",
    "stay-minutes",
];

impl Knobs {
    /// Reads `name=value` words.
    ///
    /// # Errors
    /// A word of another form, a knob that does not exist (the message lists all), or a value it does not take.
    pub fn parse<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Result<Self, KnobError> {
        let mut knobs = Self::default();
        for word in words {
            let word = word.as_ref();
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| KnobError::Form(word.to_owned()))?;
            knobs.set(name.trim(), value.trim())?;
        }
        Ok(knobs)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), KnobError> {
        let refuse = |takes: String| KnobError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            takes,
        };
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| refuse("a whole number".to_owned()))
        };
        let small = || {
            u32::try_from(number()?)
                .map_err(|_| refuse("a number below four thousand million".to_owned()))
        };
        match name {
            "latency-ms" => self.latency = Duration::from_millis(number()?),
            "late-ms" => self.late = Duration::from_millis(number()?),
            "seed" => self.seed = number()?,
            "processing-s" => self.processing = Duration::from_secs(number()?),
            "working-rounds" => self.working_rounds = small()?,
            "reception-days" => self.reception_days = small()?,
            "bulk-most" => self.most_rows = small()?,
            "people" => self.people = small()?,
            "stay-minutes" => self.stay_minutes = small()?,
            _ if self.choose(name, value) => {}
            _ => {
                return Err(Self::choices()
                    .into_iter()
                    .find(|(knob, _)| *knob == name)
                    .map_or_else(
                        || KnobError::Unknown(name.to_owned()),
                        |(_, words)| refuse(words.join(" | ")),
                    ));
            }
        }
        Ok(())
    }

    /// Every knob with what it takes, one a line; the first value is the default.
    pub fn describe() -> String {
        let mut lines: Vec<String> = Self::choices()
            .into_iter()
            .map(|(knob, words)| format!("  {knob}={}", words.join("|")))
            .collect();
        lines.extend(NUMBERS.map(|knob| format!("  {knob}=NUMBER")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_value_is_taken() {
        for (knob, words) in Knobs::choices() {
            for word in words {
                Knobs::parse([format!("{knob}={word}")]).unwrap();
            }
        }
    }

    #[test]
    fn values_reach_their_knob() {
        let knobs = Knobs::parse(["numbers=both", "latency-ms=5", "seed=9"]).unwrap();
        assert_eq!(knobs.numbers, Numbers::Both);
        assert_eq!(knobs.latency, Duration::from_millis(5));
        assert_eq!(knobs.seed, 9);
    }

    #[test]
    fn an_unknown_knob_is_told_with_the_whole_list() {
        let error = Knobs::parse(["colour=red"]).unwrap_err().to_string();
        assert!(error.contains("`colour`"));
        for (knob, _) in Knobs::choices() {
            assert!(error.contains(knob), "{knob} is missing");
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_what_it_takes() {
        let error = Knobs::parse(["writing=backwards"]).unwrap_err();
        assert!(matches!(error, KnobError::Value { ref name, .. } if name == "writing"));
        assert!(error.to_string().contains("vanishing"));
        assert!(Knobs::parse(["seed=many"]).is_err());
        for knob in NUMBERS {
            Knobs::parse([format!("{knob}=3")]).unwrap();
        }
        assert!(matches!(Knobs::parse(["seed"]), Err(KnobError::Form(_))));
    }
}
