//! The tasks of the role: each is named, each is joined, and the first failure stops them all.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::error::{Cause, HubError};

/// How long the tasks have to drain once stopped.
const DRAIN: Duration = Duration::from_secs(10);

/// Running tasks of one role.
pub(crate) struct Tasks {
    set: JoinSet<Result<(), HubError>>,
    names: HashMap<Id, &'static str>,
    cancel: CancellationToken,
}

impl Tasks {
    /// No tasks yet; `cancel` stops all that will be spawned.
    pub(crate) fn new(cancel: CancellationToken) -> Self {
        Self {
            set: JoinSet::new(),
            names: HashMap::new(),
            cancel,
        }
    }

    /// Starts `work`. It ends only when cancelled, or with an error.
    pub(crate) fn spawn<E: Into<Cause> + Send + 'static>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self
            .set
            .spawn(async move { work.await.map_err(|error| failure(name, error.into())) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until the first task ends, stops the others, and reports the first failure.
    pub(crate) async fn join(mut self) -> Result<(), HubError> {
        let mut result = Ok(());
        while let Some(joined) = self.set.join_next_with_id().await {
            let ended = self.outcome(joined);
            let stopping = self.cancel.is_cancelled();
            if result.is_ok() {
                result = match ended {
                    (task, Ok(())) if !stopping => Err(HubError::Ended { task }),
                    (_, ended) => ended,
                };
            }
            if !stopping {
                self.cancel.cancel();
            }
            if self.cancel.is_cancelled() {
                return self.drain(result).await;
            }
        }
        result
    }

    async fn drain(mut self, mut result: Result<(), HubError>) -> Result<(), HubError> {
        let all = async {
            while let Some(joined) = self.set.join_next_with_id().await {
                let (_, ended) = self.outcome(joined);
                if result.is_ok() {
                    result = ended;
                }
            }
        };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::error!(tasks = self.set.len(), "tasks did not drain in time; ended");
            self.set.shutdown().await;
        }
        result
    }

    fn outcome(
        &mut self,
        joined: Result<(Id, Result<(), HubError>), JoinError>,
    ) -> (&'static str, Result<(), HubError>) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let task = self.names.remove(&id).unwrap_or("unnamed");
        match joined {
            Ok((_, ended)) => (task, ended),
            Err(_panicked) => (task, Err(HubError::Ended { task })),
        }
    }
}

fn failure(task: &'static str, source: Cause) -> HubError {
    match source.downcast::<HubError>() {
        Ok(already) => *already,
        Err(source) => HubError::Task { task, source },
    }
}
