//! A job's result, written piece by piece.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Job, Wanted, close, head, missing, refused};
use crate::answer::{Answered, character_code, eight, fetched_unit, inquiry_unit};
use crate::centre::{Centre, Place};
use crate::element::{Element, declaration, encoded};
use crate::function::Bulk;
use crate::knobs::{BulkForm, BulkMistake, BulkOrder, BulkUnits, Order};
use crate::pack::Pack;
use crate::person::{Assistance, Person};
use crate::registration;
use crate::tree::Node;

/// Writes what a `02req` is answered with into `file`, and says which extension that file deserves.
pub(crate) fn collect(
    kind: Bulk,
    request: &Node,
    centre: &Centre,
    place: &Place<'_>,
    file: &Path,
    entry: &str,
) -> io::Result<&'static str> {
    let job = reception(request).map_or_else(
        || Err(missing("ReceptionNumber")),
        |reception| {
            let found = centre.collect(kind, &reception, place);
            found.map(|job| job.map(|job| (reception, job)))
        },
    );
    let small = match job {
        Ok(Some((reception, job))) => {
            return result(&reception, &job, centre, place, file, entry);
        }
        Ok(None) => vec![Element::leaf("SegmentOfResult", "2")],
        Err(refusal) => refused(refusal).into(),
    };
    let mut header = head(place, None);
    header.extend(reception(request).map(|number| Element::leaf("ReceptionNumber", number)));
    header.extend(small);
    std::fs::write(file, close(header, Vec::new(), place))?;
    Ok("xml")
}

fn reception(request: &Node) -> Option<String> {
    let body = request.child("MessageBody")?;
    body.value("ReceptionNumber")
        .or_else(|| request.child("MessageHeader")?.value("ReceptionNumber"))
}

fn result(
    reception: &str,
    job: &Job,
    centre: &Centre,
    place: &Place<'_>,
    file: &Path,
    entry: &str,
) -> io::Result<&'static str> {
    let form = place.knobs.bulk_form;
    let mut pack = Pack::create(file, form, entry)?;
    let mut out = BufWriter::with_capacity(256 << 10, &mut pack);
    document(reception, job, centre, place, &mut out)?;
    out.flush()?;
    drop(out);
    pack.finish()?;
    let cut = place.knobs.bulk_mistake == BulkMistake::Cut;
    if cut {
        let file = std::fs::OpenOptions::new().write(true).open(file)?;
        file.set_len(file.metadata()?.len() * 3 / 5)?;
    }
    Ok(if form == BulkForm::Xml { "xml" } else { "zip" })
}

fn document(
    reception: &str,
    job: &Job,
    centre: &Centre,
    place: &Place<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let knobs = place.knobs;
    let mistake = knobs.bulk_mistake;
    let empty =
        mistake == BulkMistake::Empty || (mistake == BulkMistake::EmptyOnce && job.collected == 1);
    let mut counts = (0, 0);
    if !empty {
        // The header tells counts, and stands first: so the units are gone through twice.
        each(job, centre, place, &mut |_, good| {
            counts.0 += u64::from(good);
            counts.1 += u64::from(!good);
            Ok(())
        })?;
    }
    let mut text = |text: &str| out.write_all(&encoded(text, knobs.encoding));
    text(&declaration(knobs.encoding))?;
    text("<XmlMsg>\r\n")?;
    let header = header(reception, job, place, counts);
    let write = |element: &Element| {
        let mut piece = String::new();
        element.write(1, &mut piece);
        piece
    };
    if knobs.order == Order::Fixed {
        text(&write(&header))?;
    }
    text("  <MessageBody>\r\n")?;
    if !empty {
        let times = if mistake == BulkMistake::Repeated {
            2
        } else {
            1
        };
        each(job, centre, place, &mut |unit, _| {
            let mut piece = String::new();
            unit.write(2, &mut piece);
            (0..times).try_for_each(|_| text(&piece))
        })?;
    }
    text("  </MessageBody>\r\n")?;
    if knobs.order == Order::Shuffled {
        text(&write(&header))?;
    }
    text("</XmlMsg>\r\n")
}

fn header(reception: &str, job: &Job, place: &Place<'_>, (good, bad): (u64, u64)) -> Element {
    let mut header = head(place, None);
    if let Wanted::Inquiries(questions) = &job.wanted
        && let Some(on) = questions.first().and_then(|question| question.confirmed_on)
    {
        header.push(Element::leaf("QualificationConfirmationDate", eight(on)));
    }
    let stated = match place.knobs.bulk_mistake {
        BulkMistake::Miscounted => good + bad + 1,
        BulkMistake::Repeated => 2 * (good + bad),
        _ => good + bad,
    };
    for (name, text) in [
        ("ReceptionNumber", reception.to_owned()),
        ("SegmentOfResult", "1".to_owned()),
        ("NumberOfProcessingResult", stated.to_string()),
        ("NumberOfNormalProcessing", (stated - bad).to_string()),
        ("NumberOfError", bad.to_string()),
        (
            "CharacterCodeIdentifier",
            character_code(place.knobs).to_owned(),
        ),
    ] {
        header.push(Element::leaf(name, text));
    }
    Element::branch("MessageHeader", header)
}

/// Takes a unit, and whether it was processed well.
type Take<'t> = dyn FnMut(&Element, bool) -> io::Result<()> + 't;

/// Hands every unit of a job to `take`, one at a time.
fn each(job: &Job, centre: &Centre, place: &Place<'_>, take: &mut Take<'_>) -> io::Result<()> {
    let answered = Answered {
        at: place.at,
        confirmed_on: place.at.date(),
        institution: place.institution.to_owned(),
    };
    match &job.wanted {
        Wanted::Inquiries(questions) => {
            let reversed = place.knobs.bulk_order == BulkOrder::Reversed;
            let count = questions.len();
            (0..count).try_for_each(|place_in_list| {
                let index = if reversed {
                    count - 1 - place_in_list
                } else {
                    place_in_list
                };
                let mut question = questions[index].clone();
                let person = centre.asked(&question, place);
                let answered = Answered {
                    confirmed_on: question.confirmed_on.unwrap_or(answered.confirmed_on),
                    ..answered.clone()
                };
                if place.knobs.bulk_mistake == BulkMistake::BlankIdentifiers {
                    question.arbitrary_identifier = Some(String::new());
                }
                let unit = inquiry_unit(person.as_ref(), &question, &answered, place.knobs);
                let good = !unit.says("ProcessingResultStatus", "2");
                take(&unit, good)
            })
        }
        Wanted::Month(month) => {
            let answered = Answered {
                confirmed_on: *month,
                ..answered
            };
            centre
                .commissioned(*month, place)
                .flat_map(|person| units(person, place.knobs.bulk_units))
                .try_for_each(|person| take(&fetched_unit(&person, &answered, place.knobs), true))
        }
        Wanted::Consents(from, to) => centre
            .consented(job.kind, *from, *to, place)
            .into_iter()
            .try_for_each(|person| take(&fetched_unit(&person, &answered, place.knobs), true)),
        Wanted::Registrations(done) => done.iter().try_for_each(|(row, refused)| {
            let words = refused.as_ref().map(|(code, words)| (&**code, &**words));
            take(&registration::unit(row, words), refused.is_none())
        }),
    }
}

/// A patient with all tickets, or once with each.
fn units(person: Person, by: BulkUnits) -> Vec<Person> {
    let Some(half) = person.assistance.clone() else {
        return vec![person];
    };
    if by == BulkUnits::PerPatient {
        return vec![person];
    }
    half.tickets
        .iter()
        .map(|ticket| Person {
            assistance: Some(Assistance {
                tickets: vec![ticket.clone()],
                ..half.clone()
            }),
            ..person.clone()
        })
        .collect()
}
