//! Cards at a desk. Nothing read from a My Number card stands here but which kind of card it is; the number of a
//! hospital's own card is personal and travels in the body only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{ObservationId, PatientNumber};

/// Which kind of card it is, as far as it may be told without identifying anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardKind {
    /// マイナンバーカード.
    MyNumber,
    /// 住民基本台帳カード.
    Juki,
    /// スマホ用電子証明書 on Android.
    Android,
    /// スマホ用電子証明書 on an iPhone.
    Iphone,
    /// It has the JPKI application, and a token label that nobody knows yet.
    OtherJpki,
    /// 診察券 of this facility.
    Hospital,
    /// A staff card of this facility.
    Staff,
    /// Anything else, or a card that could not be read.
    Unknown,
}

impl CardKind {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MyNumber => "my-number",
            Self::Juki => "juki",
            Self::Android => "android",
            Self::Iphone => "iphone",
            Self::OtherJpki => "other-jpki",
            Self::Hospital => "hospital",
            Self::Staff => "staff",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a card could not be read, so that its kind is [`CardKind::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardUnread {
    /// It came and went before anybody could look.
    Missed,
    /// It was taken away in the middle of an exchange.
    Pulled,
    /// It does not answer, or its answers make no sense.
    Mute,
    /// Another program holds it for itself.
    InUse,
    /// The reader or its service went away in the middle of an exchange.
    ReaderLost,
    /// A rule fits it, but what the rule reads is not a number of this facility.
    NumberUnreadable,
}

/// A card lies on a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardPresented {
    /// The desk.
    pub desk: String,
    /// Which kind.
    pub card: CardKind,
    /// The chart number on a hospital's own card, as its rule reads it.
    #[serde(default)]
    pub patient: Option<PatientNumber>,
    /// The account that a staff card stands for.
    #[serde(default)]
    pub staff: Option<String>,
    /// Why it could not be read.
    #[serde(default)]
    pub unread: Option<CardUnread>,
}

/// Why a presence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardEnd {
    /// It was taken away.
    Taken,
    /// The reader or its service went away: whether the card still lies there is not known.
    ReaderLost,
    /// Nobody watched for a while (the adapter was started anew): a card that still lies there is presented again.
    Unwatched,
}

impl CardEnd {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::ReaderLost => "reader-lost",
            Self::Unwatched => "unwatched",
        }
    }
}

/// A presence ended. Presented and removed alternate strictly on each reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardRemoved {
    /// The desk.
    pub desk: String,
    /// Which kind it was.
    pub card: CardKind,
    /// The `card-presented` that this ends.
    pub presented: ObservationId,
    /// Why.
    pub reason: CardEnd,
}
