//! From a card to what may be said of it: its kind, and the number of a hospital's own card.

use shikaku_schemas::observation::{CardKind, CardUnread};

use crate::apdu::Apdu;
use crate::rule::{Found, Rules};
use crate::wire::{Wire, WireError};

/// What may be said of a card. `number` is personal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) card: CardKind,
    pub(crate) number: Option<String>,
    pub(crate) unread: Option<CardUnread>,
}

impl Reading {
    fn of(card: CardKind) -> Self {
        Self {
            card,
            number: None,
            unread: None,
        }
    }

    /// A card of which nothing can be said.
    pub(crate) fn unread(why: CardUnread) -> Self {
        Self {
            unread: Some(why),
            ..Self::of(CardKind::Unknown)
        }
    }
}

/// That a card said it has no JPKI application. Rules ask for it, and only [`identify`] makes one.
pub(crate) struct NoJpki(());

/// Asks a card what it is. The JPKI application comes first and alone: a card that has it is asked for the label of
/// its kind and for nothing else, whatever that label is.
pub(crate) fn identify(card: &mut Wire<'_>, rules: &mut Rules) -> Result<Reading, WireError> {
    if card.send(&Apdu::select_jpki())?.is_selected() {
        return token(card).map(Reading::of);
    }
    let no_jpki = NoJpki(());
    Ok(match rules.read(card, &no_jpki)? {
        Found::Number { card, number } => Reading {
            number: Some(number),
            ..Reading::of(card)
        },
        Found::Unreadable => Reading::unread(CardUnread::NumberUnreadable),
        Found::Nothing => Reading::of(CardKind::Unknown),
    })
}

fn token(card: &mut Wire<'_>) -> Result<CardKind, WireError> {
    if !card.send(&Apdu::select_token_information())?.is_done() {
        return Ok(CardKind::OtherJpki);
    }
    let answer = card.send(&Apdu::read_token_label())?;
    Ok(match answer.is_done() {
        true => kind_of(&answer.data),
        false => CardKind::OtherJpki,
    })
}

/// The label, filled with blanks or zero bytes.
fn kind_of(label: &[u8]) -> CardKind {
    let end = label.iter().rposition(|byte| !matches!(byte, 0 | b' '));
    match &label[..end.map_or(0, |end| end + 1)] {
        b"JPKIAPICCTOKEN2" => CardKind::MyNumber,
        b"JPKIAPICCTOKEN" => CardKind::Juki,
        b"JPKIAPGPSETOKEN" => CardKind::Android,
        b"JPKIAPIOSTOKEN" => CardKind::Iphone,
        _ => CardKind::OtherJpki,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_the_kind_and_its_filling_does_not_matter() {
        let filled = |text: &str, with: u8| {
            let mut label = text.as_bytes().to_vec();
            label.resize(32, with);
            kind_of(&label)
        };
        for with in [0, b' '] {
            assert_eq!(filled("JPKIAPICCTOKEN2", with), CardKind::MyNumber);
            assert_eq!(filled("JPKIAPICCTOKEN", with), CardKind::Juki);
            assert_eq!(filled("JPKIAPGPSETOKEN", with), CardKind::Android);
            assert_eq!(filled("JPKIAPIOSTOKEN", with), CardKind::Iphone);
            assert_eq!(filled("JPKIAPICCTOKEN3", with), CardKind::OtherJpki);
            assert_eq!(filled("", with), CardKind::OtherJpki);
        }
    }
}
