//! Which path answers what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, http::HeaderName};
use serde_json::json;

use crate::ApiOptions;
use crate::openapi;
use crate::pages::{self, Notice};
use crate::problem::Problem;
use crate::sign_in::Door;

/// Bytes of a form at most.
const FORM_BYTES: usize = 16 * 1024;

/// What every request shares.
struct Desk {
    options: ApiOptions,
    door: Door,
}

type Shared = State<Arc<Desk>>;

/// The whole service.
pub(crate) fn router(options: ApiOptions) -> Router {
    let door = Door::new(options.link_token.as_deref(), options.tls.is_some());
    let desk = Arc::new(Desk { options, door });
    Router::new()
        .route("/", get(home))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route(
            "/api/openapi.json",
            get(|| async { Json(openapi::document()) }),
        )
        .route("/sign-in", get(sign_in).post(sign_in_form))
        .route("/sign-in/link/{token}", get(sign_in_link))
        .route("/sign-out", post(sign_out))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::from_fn_with_state(desk.clone(), harden))
        .with_state(desk)
}

async fn home(State(desk): Shared, headers: HeaderMap) -> Response {
    if desk.door.knows(&headers) {
        return Html(pages::counts((desk.options.counts)())).into_response();
    }
    Redirect::to("/sign-in").into_response()
}

async fn readyz(State(desk): Shared) -> Response {
    let parts = (desk.options.readiness)();
    let ready = parts.iter().all(|part| part.ready);
    let parts: BTreeMap<_, _> = parts.iter().map(|part| (part.part, part.ready)).collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": ready, "parts": parts }))).into_response()
}

async fn metrics(State(desk): Shared) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (desk.options.metrics)())
}

async fn sign_in() -> Html<String> {
    Html(pages::sign_in(Notice::Accounts))
}

async fn sign_in_form() -> (StatusCode, Html<String>) {
    (
        StatusCode::UNAUTHORIZED,
        Html(pages::sign_in(Notice::NoAccounts)),
    )
}

async fn sign_in_link(State(desk): Shared, Path(token): Path<String>) -> Response {
    match desk.door.enter(&token) {
        Some(cookie) => {
            tracing::info!("a browser signed in by the one-time link");
            let page = Html(pages::counts((desk.options.counts)()));
            ([(header::SET_COOKIE, cookie)], page).into_response()
        }
        None => (
            StatusCode::UNAUTHORIZED,
            Html(pages::sign_in(Notice::LinkRefused)),
        )
            .into_response(),
    }
}

async fn sign_out(State(desk): Shared, headers: HeaderMap) -> Response {
    let cookie = desk.door.leave(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}

async fn nothing(State(desk): Shared, uri: Uri, headers: HeaderMap) -> Problem {
    refusal(&desk, &uri, &headers, Problem::NOT_FOUND)
}

async fn other_method(State(desk): Shared, uri: Uri, headers: HeaderMap) -> Problem {
    refusal(&desk, &uri, &headers, Problem::METHOD)
}

/// Without a sign-in nobody learns which routes of the API exist.
fn refusal(desk: &Desk, uri: &Uri, headers: &HeaderMap, otherwise: Problem) -> Problem {
    let first = uri.path().trim_start_matches('/').split('/').next();
    let guarded = matches!(first, Some("api" | "fhir"));
    if guarded && !desk.door.knows(headers) {
        return Problem::SIGN_IN;
    }
    otherwise
}

/// Headers of every answer.
async fn harden(State(desk): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = HeaderValue::try_from(pages::content_security_policy());
    let headers = response.headers_mut();
    if let Ok(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if desk.door.secure() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}
