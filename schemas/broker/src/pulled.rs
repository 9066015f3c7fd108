//! A pull belongs to one connection.
//!
//! A broker that lost the last of what it stored gives the same sequences to other messages, and an acknowledgement
//! names nothing but a sequence: over a new line it would settle what nobody has looked at.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;

use crate::BrokerError;
use crate::message::{Acker, Message};
use crate::port::{Line, Messages};
use async_nats::jetstream::AckKind;

/// Ends `messages` when the line came up anew since `connections` was last looked at, and lets none of them be
/// settled from then on.
pub(crate) fn on_one_line(
    messages: Messages,
    mut connections: watch::Receiver<u64>,
    line: &watch::Receiver<Line>,
) -> Messages {
    let pulled = Pulled {
        on: *connections.borrow(),
        connections: connections.clone(),
        line: line.clone(),
    };
    let bound = move |message: Message| Message {
        acker: Box::new(Bound {
            acker: message.acker,
            pulled: pulled.clone(),
        }),
        ..message
    };
    let cut = async move { connections.changed().await }.boxed();
    messages
        .map(move |message| message.map(&bound))
        .take_until(cut)
        .boxed()
}

/// The line of a pull.
#[derive(Clone)]
struct Pulled {
    on: u64,
    connections: watch::Receiver<u64>,
    line: watch::Receiver<Line>,
}

struct Bound {
    acker: Box<dyn Acker>,
    pulled: Pulled,
}

impl Acker for Bound {
    fn settle(&self, kind: AckKind, confirmed: bool) -> BoxFuture<'_, Result<(), BrokerError>> {
        let Pulled {
            on,
            connections,
            line,
        } = &self.pulled;
        if line.borrow().up && *connections.borrow() == *on {
            return self.acker.settle(kind, confirmed);
        }
        let cut = BrokerError::failed("take an acknowledgement");
        futures::future::ready(Err(cut("the line was cut since it was pulled".into()))).boxed()
    }
}
