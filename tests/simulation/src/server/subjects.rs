//! What the simulated broker does with messages that nothing keeps.

use std::collections::BTreeSet;
use std::sync::Arc;

use shikaku_broker::{Heard, NATS_BATCH_ID, Outgoing};
use tokio::sync::{mpsc, oneshot};

use super::{Server, Subscription, header, matches};
use crate::node::Node;

impl Server {
    /// A process ended: nobody listens any more.
    pub fn forget(&self, node: &Arc<Node>) {
        let mut state = self.state();
        state
            .subscriptions
            .retain(|sub| !Arc::ptr_eq(&sub.node, node));
    }

    pub fn subscribe(
        &self,
        node: &Arc<Node>,
        subject: String,
        queue: Option<String>,
    ) -> mpsc::UnboundedReceiver<Heard> {
        let (heards, receiver) = mpsc::unbounded_channel();
        self.state().subscriptions.push(Subscription {
            node: node.clone(),
            subject,
            queue,
            heards,
        });
        receiver
    }

    /// Something is said by `by`. A part of a batch waits for its end.
    pub fn say(&self, message: Outgoing, reply: Option<String>) {
        self.watcher.said(&message);
        let batch = header(&message, NATS_BATCH_ID.as_ref());
        if let Some(batch) = batch {
            self.state().batches.entry(batch).or_default().push(message);
            return;
        }
        self.deliver(&message, reply);
    }

    fn deliver(&self, message: &Outgoing, reply: Option<String>) {
        let mut state = self.state();
        if let Some(inbox) = state.inboxes.remove(&message.subject) {
            let _ = inbox.send(message.payload.clone());
            return;
        }
        state.subscriptions.retain(|sub| !sub.heards.is_closed());
        let mut queues: BTreeSet<&str> = BTreeSet::new();
        let weather = self.sky.weather();
        let dice = &self.sky.dice;
        for sub in &state.subscriptions {
            if !matches(&sub.subject, &message.subject) || !sub.node.is_up() {
                continue;
            }
            if let Some(queue) = &sub.queue
                && !queues.insert(queue)
            {
                continue;
            }
            let heard = Heard {
                subject: message.subject.clone(),
                payload: message.payload.clone(),
                reply: reply.clone(),
            };
            if dice.per_mille(weather.said_lost) {
                continue;
            }
            if dice.per_mille(weather.said_twice) {
                let _ = sub.heards.send(heard.clone());
            }
            let _ = sub.heards.send(heard);
        }
    }

    /// A place for an answer.
    pub fn inbox(&self) -> (String, oneshot::Receiver<bytes::Bytes>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.asked += 1;
        let name = format!("_INBOX.{}", state.asked);
        state.inboxes.insert(name.clone(), sender);
        (name, receiver)
    }
}
