//! Answers about one person.

use proptest::prelude::*;
use shikaku_schemas::observation::{OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::OqsError;

use super::pen::{Leaf, Manner, config, manner};
use super::person::{self, meant, write};

fn read(bytes: &[u8]) -> Result<OqsAnswer, OqsError> {
    person::read(bytes, OqsFolder::Face)
}

fn value<'m>(leaves: &'m [Leaf], name: &str) -> Option<&'m str> {
    leaves.iter().find(|(n, _)| *n == name)?.1.as_deref()
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn however_it_is_written_it_reads_the_same(meant in meant(), manner in manner()) {
        let plain = read(&write(&meant, &Manner::plain()));
        let other = read(&write(&meant, &manner));
        // Warnings follow the order of the records, not that of the elements.
        prop_assert_eq!(plain, other);
    }

    #[test]
    fn what_was_meant_is_what_is_read(meant in meant(), manner in manner()) {
        let Ok(answer) = read(&write(&meant, &manner)) else {
            return Ok(());
        };
        prop_assert_eq!(answer.records.len(), meant.records.len());
        for (record, meant_record) in answer.records.iter().zip(&meant.records) {
            let leaf = |name| value(&meant_record.leaves, name);
            prop_assert_eq!(record.person.name.as_deref(), leaf("Name"));
            prop_assert_eq!(record.reference_number.as_ref().map(|n| n.as_str()), leaf("ReferenceNumber"));
            let born = record.person.birth_date.map(|d| d.to_string().replace('-', ""));
            prop_assert_eq!(born.as_deref(), leaf("Birthdate"));
            let silent = value(&meant.body, "QualificationValidity") == Some("6")
                || leaf("InsurerNumber").or(leaf("InsuredIdentificationNumber")).is_none();
            let numbers = &record.numbers;
            if record.is_insurance() {
                prop_assert_eq!(numbers.insurer_number.as_deref(), leaf("InsurerNumber"));
            } else if silent {
                prop_assert!(numbers.payer_number.is_none() && numbers.recipient_number.is_none());
                prop_assert!(record.tickets.is_empty());
            } else {
                prop_assert_eq!(numbers.payer_number.as_ref().map(|n| n.as_str()), leaf("InsurerNumber"));
                prop_assert_eq!(record.tickets.len(), meant_record.tickets.len());
            }
        }
    }

    #[test]
    fn a_diagnosis_never_passes(meant in meant(), manner in manner()) {
        if let Ok(answer) = read(&write(&meant, &manner)) {
            let json = serde_json::to_string(&answer).unwrap();
            prop_assert!(!json.contains("高血圧") && !json.contains("しい"));
        }
    }

    #[test]
    fn cut_is_never_whole(meant in meant(), manner in manner(), at in any::<prop::sample::Index>()) {
        let bytes = write(&meant, &manner);
        let whole = bytes.trim_ascii_end().len();
        let error = read(&bytes[..at.index(whole)]).unwrap_err();
        prop_assert!(error.is_incomplete(), "{}", error);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Bytes changed inside a message go deeper into the reader than noise does.
    #[test]
    fn no_damage_makes_it_panic(
        meant in meant(),
        manner in manner(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = write(&meant, &manner);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Nothing of the content is in an error, not even damaged.
        if let Err(error) = read(&bytes) {
            prop_assert!(!error.to_string().contains("高血圧"));
        }
    }
}
