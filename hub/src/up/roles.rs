//! The tasks of this process: each has a name, is joined, and must not end before it is asked to.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Every running task.
pub struct Roles {
    tasks: JoinSet<(String, anyhow::Result<()>)>,
    cancel: CancellationToken,
}

impl Roles {
    /// No task yet.
    pub fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Cancelled when everything is to stop.
    pub fn cancel(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a task.
    pub fn spawn<F>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let name = name.into();
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits until a task ends, which none should: tells which, and why.
    pub async fn first_end(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((name, Ok(())))) => anyhow!("{name} が勝手に終わりました / ended unasked"),
            Some(Ok((name, Err(error)))) => {
                error.context(format!("{name} が失敗しました / failed"))
            }
            Some(Err(panicked)) => anyhow!(panicked).context("内部エラー / a task panicked"),
            None => std::future::pending().await,
        }
    }

    /// Asks every task to stop and waits for all of them.
    ///
    /// # Errors
    /// The first that failed while stopping, or those that did not stop in time.
    pub async fn stop(mut self, within: Duration) -> anyhow::Result<()> {
        self.cancel.cancel();
        let mut outcome = Ok(());
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                let ended = match ended {
                    Ok((name, ended)) => ended.with_context(|| name),
                    Err(panicked) => Err(panicked.into()),
                };
                if outcome.is_ok() {
                    outcome = ended;
                }
            }
        };
        let in_time = tokio::time::timeout(within, all).await.is_ok();
        if !in_time {
            self.tasks.abort_all();
            return Err(anyhow!(
                "時間内に停止しない役割がありました / some roles did not stop in time"
            ));
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_early_end_names_the_role() {
        let mut roles = Roles::new();
        roles.spawn("relay", async { Ok(()) });
        assert!(roles.first_end().await.to_string().contains("relay"));
    }

    #[tokio::test]
    async fn stopping_waits_for_all_and_keeps_the_first_failure() {
        let mut roles = Roles::new();
        let cancel = roles.cancel();
        roles.spawn("a", async move {
            cancel.cancelled().await;
            Err(anyhow!("late"))
        });
        let stopped = roles.stop(Duration::from_secs(5)).await;
        assert_eq!(format!("{:#}", stopped.unwrap_err()), "a: late");
    }
}
