//! Listening, and serving until cancelled.

use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ApiOptions;

/// Why HTTP could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address could not be bound.
    #[error("can't listen on {address}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Certificate or key can't be used.
    #[error("the certificate or its key can't be used: {reason}")]
    Tls {
        /// What is wrong with them.
        reason: String,
    },
    /// Serving failed, or its task panicked.
    #[error("serving HTTP failed")]
    Serve(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A bound server that is being served.
#[derive(Debug)]
pub struct Server {
    /// The address bound: with port 0 the one picked.
    pub address: SocketAddr,
    task: JoinHandle<Result<(), ApiError>>,
}

impl Server {
    /// Waits until it has drained after the token given to [`serve`] was cancelled.
    ///
    /// # Errors
    /// [`ApiError::Serve`] when it ended for any other reason.
    pub async fn finished(self) -> Result<(), ApiError> {
        self.task
            .await
            .unwrap_or_else(|gone| Err(ApiError::Serve(gone.into())))
    }
}

/// Binds, and serves in the background until `cancel`.
///
/// # Errors
/// [`ApiError::Listen`] and [`ApiError::Tls`], before any request is answered.
pub async fn serve(options: ApiOptions, cancel: CancellationToken) -> Result<Server, ApiError> {
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .map_err(|source| ApiError::Listen {
            address: options.listen,
            source,
        })?;
    let address = listener.local_addr().map_err(|source| ApiError::Listen {
        address: options.listen,
        source,
    })?;
    let task = tokio::spawn(async move {
        cancel.cancelled().await;
        drop(listener);
        Ok(())
    });
    Ok(Server { address, task })
}
