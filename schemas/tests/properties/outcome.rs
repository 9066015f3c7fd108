//! What became of registrations, and whether a job was taken.

use proptest::prelude::*;
use shikaku_schemas::oqs::job::{Accepted, BulkLimits, Units};
use shikaku_schemas::oqs::registration::{Outcome, Registered};
use shikaku_schemas::oqs::{Limits, Refusal};
use shikaku_schemas::value::{AsOf, InstitutionCode, ReferenceNumber};

use super::pen::{Leaf, Pen, config, manner, maybe};

/// 処理実行日時 of all that is written here.
const TIME: &str = "20260516020000";

#[derive(Debug, Clone)]
struct MeantOutcome {
    segment: Option<String>,
    status: Option<String>,
    registered: Registered,
    refusal: Refusal,
}

impl MeantOutcome {
    /// What it comes to by the interface; `None` where it says nothing, or not yet.
    fn outcome(&self) -> Option<Outcome> {
        let refusal = match (self.segment.as_deref(), self.status.as_deref()) {
            (Some("9"), _) | (None | Some("1"), Some("2")) => Some(self.refusal.clone()),
            (None | Some("1"), Some("1")) => None,
            _ => return None,
        };
        Some(Outcome {
            executed_at: AsOf::from_compact(TIME),
            registered: self.registered.clone(),
            refusal,
        })
    }

    fn body(&self, pen: &mut Pen<'_>) -> Vec<String> {
        let registered = &self.registered;
        let number = registered.reference_number.as_ref();
        let info = pen.leaves(&[
            ("ReferenceNumber", number.map(|it| it.as_str().to_owned())),
            ("InsurerNumber", registered.insurer_number.clone()),
            ("InsuredCardSymbol", registered.symbol.clone()),
            ("InsuredIdentificationNumber", registered.number.clone()),
            ("InsuredBranchNumber", registered.branch.clone()),
        ]);
        let mut body = pen.leaves(&[
            ("ProcessingResultStatus", self.status.clone()),
            ("ProcessingResultCode", self.refusal.code.clone()),
            ("ProcessingResultMessage", self.refusal.message.clone()),
        ]);
        body.push(pen.parent("ReferenceNumberRegistrationInfo", info));
        body
    }
}

fn header(pen: &mut Pen<'_>, segment: Option<&str>) -> Vec<String> {
    pen.leaves(&[
        ("ProcessExecutionTime", Some(TIME.to_owned())),
        ("MedicalInstitutionCode", Some("1319912349".to_owned())),
        ("SegmentOfResult", segment.map(str::to_owned)),
    ])
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (maybe("SIM[0-9]{4}"), maybe("該当[資格者]{1,2}なし"))
        .prop_map(|(code, message)| Refusal { code, message })
}

fn outcome() -> BoxedStrategy<MeantOutcome> {
    let registered = (
        maybe("(カルテ-)?[0-9]{1,8}"),
        maybe("[0-9]{6,8}"),
        maybe("[５１い]{1,3}"),
        maybe("[0-9]{1,7}"),
        maybe("[0-9]{2}"),
    )
        .prop_map(
            |(reference, insurer_number, symbol, number, branch)| Registered {
                reference_number: reference.as_deref().map(ReferenceNumber::from),
                insurer_number,
                symbol,
                number,
                branch,
            },
        );
    (maybe("[129]"), maybe("[12]"), registered, refusal())
        .prop_map(|(segment, status, registered, refusal)| MeantOutcome {
            segment,
            status,
            registered,
            refusal,
        })
        .boxed()
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn a_registration_comes_to_what_was_meant(meant in outcome(), manner in manner()) {
        let mut pen = Pen::new(&manner);
        let header = header(&mut pen, meant.segment.as_deref());
        let body = meant.body(&mut pen);
        let read = Outcome::read(&pen.message(header, body), &Limits::SINGLE);
        prop_assert_eq!(read.ok(), meant.outcome());
    }

    /// Each of many by itself; the time stands in the header alone, where no unit has it.
    #[test]
    fn registrations_of_many_come_to_what_was_meant(
        all in prop::collection::vec(outcome(), 0..6), manner in manner(),
    ) {
        let mut pen = Pen::new(&manner);
        let header = header(&mut pen, Some("1"));
        let units = all.iter().map(|meant| {
            let body = meant.body(&mut pen);
            pen.parent("BulkRegistrationUnit", body)
        });
        let units = units.collect();
        let units = pen.row(units);
        let bytes = pen.message(header, vec![units]);
        let read = Units::new(&*bytes, &BulkLimits::DEFAULT).map(|unit| unit.unwrap().registration().ok());
        let meant = all.into_iter().map(|meant| {
            let outcome = MeantOutcome { segment: None, ..meant }.outcome()?;
            Some(Outcome { executed_at: None, ..outcome })
        });
        prop_assert_eq!(read.collect::<Vec<_>>(), meant.collect::<Vec<_>>());
    }

    #[test]
    fn an_accepted_job_has_the_number_that_was_meant(
        number in "[0-9A-Z]{1,18}", file in maybe("[A-Za-z0-9]{8}"), received in any::<bool>(),
        in_header in any::<bool>(), manner in manner(),
    ) {
        let mut pen = Pen::new(&manner);
        let mut header = header(&mut pen, Some("1"));
        header.push(pen.leaf("ArbitraryFileIdentifier", file.as_deref()));
        let told: [Leaf; 2] = [
            ("ReceptionNumber", Some(number.clone())),
            ("ReceptionDateTime", received.then(|| TIME.to_owned())),
        ];
        let told = pen.leaves(&told);
        let mut body = Vec::new();
        if in_header { header.extend(told) } else { body.extend(told) }
        let read = Accepted::read(&pen.message(header, body), &Limits::SINGLE).unwrap();
        prop_assert_eq!(read, Ok(Accepted {
            reception_number: number,
            received_at: received.then(|| AsOf::from_compact(TIME).unwrap()),
            executed_at: AsOf::from_compact(TIME),
            institution_code: Some(InstitutionCode("1319912349".to_owned())),
            file_identifier: file,
        }));
    }

    #[test]
    fn a_refused_job_has_the_words_that_were_meant(refusal in refusal(), manner in manner()) {
        let mut pen = Pen::new(&manner);
        let mut header = header(&mut pen, Some("9"));
        header.extend(pen.leaves(&[
            ("ErrorCode", refusal.code.clone()),
            ("ErrorMessage", refusal.message.clone()),
        ]));
        let read = Accepted::read(&pen.message(header, Vec::new()), &Limits::SINGLE).unwrap();
        prop_assert_eq!(read, Err(refusal));
    }

    #[test]
    fn cut_outcomes_are_never_whole(meant in outcome(), manner in manner(), at in any::<prop::sample::Index>()) {
        let mut pen = Pen::new(&manner);
        let header = header(&mut pen, meant.segment.as_deref());
        let body = meant.body(&mut pen);
        let bytes = pen.message(header, body);
        let cut = &bytes[..at.index(bytes.trim_ascii_end().len())];
        prop_assert!(Outcome::read(cut, &Limits::SINGLE).unwrap_err().is_incomplete());
        prop_assert!(Accepted::read(cut, &Limits::SINGLE).unwrap_err().is_incomplete());
    }
}
