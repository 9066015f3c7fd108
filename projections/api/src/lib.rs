//! HTTP over the read models: health, metrics, the API's description, the sign-in page.
//!
//! Everything under `/api/` and `/fhir/` needs a sign-in and answers 401 without one, whether the route
//! exists or not. Errors are RFC 9457 problem documents. This crate decides nothing and keeps nothing but
//! the signed-in browsers of this process.

mod openapi;
mod options;
mod pages;
mod problem;
mod routes;
mod serve;
mod sign_in;
mod tls;

pub use openapi::document as openapi_document;
pub use options::{ApiOptions, Counts, Readiness, TlsFiles};
pub use serve::{ApiError, Server, serve};
