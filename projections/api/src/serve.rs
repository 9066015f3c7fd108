//! Listening, and serving until cancelled.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ApiOptions;
use crate::routes::router;
use crate::tls::{TlsListener, acceptor};

/// How long open connections may finish what they do.
const DRAIN: Duration = Duration::from_secs(2);

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
    /// Plain HTTP is for this machine only.
    #[error(
        "{address} is reachable from outside: set tls_cert_file and tls_key_file, or listen on loopback"
    )]
    PlainOutside {
        /// As configured.
        address: SocketAddr,
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
/// [`ApiError::Listen`], [`ApiError::PlainOutside`] and [`ApiError::Tls`], before any request is answered.
pub async fn serve(options: ApiOptions, cancel: CancellationToken) -> Result<Server, ApiError> {
    if options.tls.is_none() && !options.listen.ip().is_loopback() {
        return Err(ApiError::PlainOutside {
            address: options.listen,
        });
    }
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
    let tls = options.tls.as_ref().map(acceptor).transpose()?;
    let routes = router(options);
    let task = tokio::spawn(async move {
        let stop = cancel.clone().cancelled_owned();
        let served = async {
            match tls {
                Some(acceptor) => {
                    let listener = TlsListener::new(listener, address, acceptor);
                    axum::serve(listener, routes)
                        .with_graceful_shutdown(stop)
                        .await
                }
                None => {
                    axum::serve(listener, routes)
                        .with_graceful_shutdown(stop)
                        .await
                }
            }
        };
        let patience = async {
            cancel.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            ended = served => match ended {
                Ok(()) if cancel.is_cancelled() => Ok(()),
                Ok(()) => Err(ApiError::Serve("serving ended unasked".into())),
                Err(error) => Err(ApiError::Serve(error.into())),
            },
            // An idle browser keeps its connection open; it does not keep the hub.
            () = patience => Ok(()),
        }
    });
    Ok(Server { address, task })
}
