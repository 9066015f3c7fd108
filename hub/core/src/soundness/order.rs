//! When the broker finds a damaged block it cuts its store there, and may then tell one last sequence and go by another:
//! nothing that names the sequence it follows is taken any more, and nothing but a new stream ends that.

use shikaku_broker::{Broker, BrokerError, HeaderMap, NATS_EXPECTED_LAST_SEQUENCE, Outgoing};
use shikaku_schemas::topology::StreamSpec;

use super::Damage;

/// A sequence that no stream reaches: what expects it is refused, with the sequence the broker goes by.
const NEVER: u64 = 1 << 62;
/// The two must differ in the same way so many times. What is on its way at a cluster makes them differ too, but
/// never for so long.
const LOOKS: u32 = 3;

/// A difference that was seen, and how often.
#[derive(Default)]
pub(super) struct Order(Option<(Damage, u32)>);

impl Order {
    pub(super) async fn look(
        &mut self,
        broker: &Broker,
        stream: &StreamSpec,
    ) -> Result<Option<Damage>, BrokerError> {
        let Some(gone_by) = gone_by(broker, stream).await? else {
            return Ok(None);
        };
        let told = broker.stream(&stream.name).await?.last_sequence;
        Ok(self.seen(told, gone_by))
    }

    /// The difference, once it was there often enough.
    fn seen(&mut self, told: u64, gone_by: u64) -> Option<Damage> {
        let before = self.0.take();
        if told == gone_by {
            return None;
        }
        let damage = Damage::Order { told, gone_by };
        let same = before.filter(|(before, _)| *before == damage);
        let looks = same.map_or(1, |(_, looks)| looks + 1);
        self.0 = Some((damage, looks));
        (looks >= LOOKS).then_some(damage)
    }
}

/// The last sequence the broker compares with; none when there is no stream.
async fn gone_by(broker: &Broker, stream: &StreamSpec) -> Result<Option<u64>, BrokerError> {
    let Some(subject) = stream.subjects.first() else {
        return Ok(None);
    };
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SEQUENCE, NEVER.to_string());
    let question = Outgoing {
        subject: subject.replace(['*', '>'], "nothing"),
        headers,
        payload: Vec::new().into(),
    };
    match broker.send(question).await?.await {
        Err(BrokerError::OutOfSequence { last }) => Ok(Some(last)),
        Err(BrokerError::StreamMissing) => Ok(None),
        Err(error) => Err(error),
        Ok(_) => Err(BrokerError::failed("keep the order of a stream")(
            "it took what follows nothing".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_that_stays_is_damage() {
        let mut order = Order::default();
        let mut damaged = |told, gone_by| order.seen(told, gone_by).is_some();
        assert!(!damaged(30, 60));
        assert!(!damaged(30, 60));
        assert!(!damaged(31, 61), "something was stored between");
        assert!(!damaged(31, 61));
        assert!(damaged(31, 61));
        assert!(!damaged(60, 60), "sound");
        assert!(!damaged(30, 60));
        assert!(!damaged(30, 60));
    }
}
