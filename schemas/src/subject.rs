//! Subjects. Nothing personal ever stands in one.

use crate::feed::FeedVariant;
use crate::value::FacilityCode;

/// `shikaku.obs.<facility>.<source>.<device>.<kind>`.
pub fn observation(facility: &FacilityCode, source: &str, device: &str, kind: &str) -> String {
    format!("shikaku.obs.{facility}.{source}.{device}.{kind}")
}

/// `shikaku.evidence.<facility>.<source>.<device>`: sealed chunks, in the same stream as observations.
pub fn evidence(facility: &FacilityCode, source: &str, device: &str) -> String {
    format!("shikaku.evidence.{facility}.{source}.{device}")
}

/// `shikaku.committed.<facility>.<source>.<device>`: core NATS answers to spools.
pub fn committed(facility: &FacilityCode, source: &str, device: &str) -> String {
    format!("shikaku.committed.{facility}.{source}.{device}")
}

/// `shikaku.task.<facility>.<adapter>.<device>.<kind>`.
pub fn task(facility: &FacilityCode, adapter: &str, device: &str, kind: &str) -> String {
    format!("shikaku.task.{facility}.{adapter}.{device}.{kind}")
}

/// `shikaku.log.<type>`.
pub fn log(kind: &str) -> String {
    format!("shikaku.log.{kind}")
}

/// `shikaku.feed.<audience>.<facility>.<type>`; the variant with insurance fields has a token of its own.
pub fn feed(variant: FeedVariant, facility: &FacilityCode, kind: &str) -> String {
    format!("shikaku.feed.{variant}.{facility}.{kind}")
}

/// What an outside consumer publishes to: `shikaku.svc.<audience>.<facility>.<what>`.
pub fn service(audience: crate::feed::Audience, facility: &FacilityCode, what: &str) -> String {
    format!("shikaku.svc.{}.{facility}.{what}", audience.as_str())
}

/// What it becomes inside the hub's account, so that the responder knows who asks:
/// `shikaku.svc-of.<consumer>.<what>`.
pub fn service_of(consumer: &str, what: &str) -> String {
    format!("shikaku.svc-of.{consumer}.{what}")
}

/// `shikaku.cmd.<facility>.<kind>`; `group` stands for commands of no facility.
pub fn command(facility: Option<&FacilityCode>, kind: &str) -> String {
    format!(
        "shikaku.cmd.{}.{kind}",
        facility.map_or("group", FacilityCode::as_str)
    )
}

/// Request for record keys.
pub const KEYS_OPEN: &str = "shikaku.keys.open";

/// `shikaku.parked.<role>`.
pub fn parked(role: &str) -> String {
    format!("shikaku.parked.{role}")
}
