//! Desks, their card readers, and the rules for a facility's own cards.

use std::collections::HashSet;

use shikaku_card_reader::name::ReaderName;
use shikaku_card_reader::rule::Rules;
use shikaku_schemas::group::Facility;

use super::{NAME_RULE, is_name};
use crate::config::Fault;
use crate::config::section::File;

/// Readers are of the machine, so their names are compared over all facilities.
pub fn desks(file: &File, faults: &mut Vec<Fault>) {
    let mut readers = Vec::new();
    for (at, facility) in file.facility.iter().enumerate() {
        named(at, facility, &mut readers, faults);
        rules(at, facility, faults);
    }
}

fn named(at: usize, facility: &Facility, readers: &mut Vec<ReaderName>, faults: &mut Vec<Fault>) {
    let (mut desks, mut ids, mut terminals) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (n, desk) in facility.desks.iter().enumerate() {
        let key = |rest: &str| format!("facility[{at}].desk[{n}].{rest}");
        identified(key("id"), &desk.id, &mut desks, faults);
        if let Some(terminal) = &desk.terminal {
            if !facility.terminals.iter().any(|known| &known.id == terminal) {
                faults.push(Fault::new(
                    key("terminal"),
                    "[[facility.terminal]] にありません / is not among [[facility.terminal]]",
                ));
            } else if !terminals.insert(terminal) {
                faults.push(Fault::new(
                    key("terminal"),
                    "ほかの窓口の端末です / belongs to another desk",
                ));
            }
        }
        for (m, reader) in desk.readers.iter().enumerate() {
            let key = |rest: &str| key(&format!("reader[{m}].{rest}"));
            identified(key("id"), &reader.id, &mut ids, faults);
            let name = ReaderName::new(&reader.name);
            if reader.name.trim_end_matches('*').trim().is_empty() {
                faults.push(Fault::new(
                    key("name"),
                    "リーダーの名前が必要です / must name a reader",
                ));
            } else if readers.iter().any(|other| other.overlaps(&name)) {
                faults.push(Fault::new(
                    key("name"),
                    "ほかの項目と同じリーダーを指します / names a reader that another entry names",
                ));
            }
            readers.push(name);
        }
    }
}

fn identified<'a>(key: String, id: &'a str, known: &mut HashSet<&'a str>, faults: &mut Vec<Fault>) {
    if !is_name(id) {
        faults.push(Fault::new(key, NAME_RULE));
    } else if !known.insert(id) {
        faults.push(Fault::new(key, "重複です / stands twice"));
    }
}

fn rules(at: usize, facility: &Facility, faults: &mut Vec<Fault>) {
    let key = |rule: usize, rest: &str| format!("facility[{at}].card_rule[{rule}].{rest}");
    if let Err(fault) = Rules::compile(&facility.card_rules) {
        faults.push(Fault::new(key(fault.rule, &fault.key), fault.reason));
    }
    for (n, rule) in facility.card_rules.iter().enumerate() {
        let Some(file) = &rule.map_file else {
            continue;
        };
        if let Err(reason) = shikaku_card_reader::check_map(file) {
            let reason = format!("{}: {reason}", file.display());
            faults.push(Fault::new(key(n, "map_file"), reason));
        }
    }
}
