//! The service over a real socket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use shikaku_api::{ApiError, ApiOptions, Counts, Readiness, Server, TlsFiles, serve};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn options(ready: &Arc<AtomicBool>) -> ApiOptions {
    let ready = ready.clone();
    ApiOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        readiness: Arc::new(move || {
            let hub = Readiness {
                part: "hub",
                ready: true,
            };
            let ready = ready.load(Ordering::SeqCst);
            vec![
                hub,
                Readiness {
                    part: "broker",
                    ready,
                },
            ]
        }),
        metrics: Arc::new(|| "events_total 7\n".to_owned()),
        counts: Arc::new(|| Counts {
            position: 4711,
            records: 12,
            parked: 3,
        }),
        link_token: Some("once-only".to_owned()),
    }
}

async fn start() -> (Server, CancellationToken, Arc<AtomicBool>) {
    let ready = Arc::new(AtomicBool::new(false));
    let cancel = CancellationToken::new();
    let server = serve(options(&ready), cancel.clone()).await.unwrap();
    (server, cancel, ready)
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A TLS peer may close without a farewell.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: body.to_owned(),
    }
}

async fn ask(server: &Server, method: &str, path: &str, cookie: Option<&str>) -> Answer {
    let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: {cookie}\r\n"));
    let stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    exchange(stream, &request).await
}

#[tokio::test]
async fn what_is_open_answers_without_a_sign_in() {
    let (server, cancel, ready) = start().await;
    assert_eq!(ask(&server, "GET", "/healthz", None).await.status, 200);
    let waiting = ask(&server, "GET", "/readyz", None).await;
    assert_eq!(waiting.status, 503);
    assert_eq!(
        waiting.json(),
        json!({ "ready": false, "parts": { "broker": false, "hub": true } })
    );
    ready.store(true, Ordering::SeqCst);
    assert_eq!(ask(&server, "GET", "/readyz", None).await.status, 200);
    let metrics = ask(&server, "GET", "/metrics", None).await;
    assert_eq!(metrics.body, "events_total 7\n");
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let described = ask(&server, "GET", "/api/openapi.json", None).await;
    assert_eq!(described.status, 200);
    assert_eq!(described.json()["openapi"], "3.1.0");
    let home = ask(&server, "GET", "/", None).await;
    assert_eq!(
        (home.status, home.header("location")),
        (303, Some("/sign-in"))
    );
    cancel.cancel();
    server.finished().await.unwrap();
}

#[tokio::test]
async fn everything_else_of_the_api_asks_for_a_sign_in_whether_it_exists_or_not() {
    let (server, cancel, _) = start().await;
    for (method, path) in [
        ("GET", "/api/v1/patients"),
        ("GET", "/fhir/Patient"),
        ("GET", "/api/v1/nothing-of-the-kind"),
        ("DELETE", "/api/openapi.json"),
        ("GET", "/api/openapi.json/x"),
        ("POST", "/fhir/"),
        ("GET", "/api/"),
        ("GET", "/api"),
        ("GET", "//fhir/Patient"),
    ] {
        let answer = ask(&server, method, path, Some("shikaku=guessed")).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["status"], 401);
        assert!(answer.header("www-authenticate").is_some());
    }
    for (method, path, status) in [("GET", "/nothing", 404), ("POST", "/healthz", 405)] {
        let answer = ask(&server, method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["status"], status);
    }
    cancel.cancel();
    server.finished().await.unwrap();
}

#[tokio::test]
async fn the_sign_in_page_is_japanese_first_and_strict() {
    let (server, cancel, _) = start().await;
    let page = ask(&server, "GET", "/sign-in", None).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<html lang=\"ja\">") && page.body.contains("[[user]]"));
    assert!(!page.body.contains("<script"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let refused = ask(&server, "POST", "/sign-in", None).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("set-cookie"), None);
    cancel.cancel();
    server.finished().await.unwrap();
}

#[tokio::test]
async fn the_link_lets_one_browser_in_once() {
    let (server, cancel, _) = start().await;
    assert_eq!(
        ask(&server, "GET", "/sign-in/link/wrong", None)
            .await
            .status,
        401
    );
    let entered = ask(&server, "GET", "/sign-in/link/once-only", None).await;
    assert_eq!(entered.status, 200);
    let set = entered.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly; SameSite=Strict") && !set.contains("Secure"));
    assert!(entered.body.contains("4711"));
    let cookie = set.split(';').next().unwrap().to_owned();
    let again = ask(&server, "GET", "/sign-in/link/once-only", None).await;
    assert_eq!((again.status, again.header("set-cookie")), (401, None));
    assert!(
        ask(&server, "GET", "/", Some(&cookie))
            .await
            .body
            .contains("4711")
    );
    assert_eq!(
        ask(&server, "GET", "/api/v1/patients", Some(&cookie))
            .await
            .status,
        404
    );
    assert_eq!(
        ask(&server, "POST", "/sign-out", Some(&cookie))
            .await
            .status,
        303
    );
    assert_eq!(ask(&server, "GET", "/", Some(&cookie)).await.status, 303);
    cancel.cancel();
    server.finished().await.unwrap();
}

#[tokio::test]
async fn tls_is_1_3_with_the_files_given_and_plain_http_stays_on_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        cert_file: folder.path().join("cert.pem"),
        key_file: folder.path().join("key.pem"),
    };
    std::fs::write(&files.cert_file, made.cert.pem()).unwrap();
    std::fs::write(&files.key_file, made.signing_key.serialize_pem()).unwrap();
    let ready = Arc::new(AtomicBool::new(true));
    let cancel = CancellationToken::new();
    let server = serve(
        ApiOptions {
            tls: Some(files.clone()),
            ..options(&ready)
        },
        cancel.clone(),
    )
    .await
    .unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&files.cert_file).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A peer that never shakes hands holds nobody up.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(client))
        .connect(name, stream)
        .await
        .unwrap();
    let request =
        "GET /sign-in/link/once-only HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = exchange(stream, request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"));
    cancel.cancel();
    server.finished().await.unwrap();

    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = serve(
        ApiOptions {
            listen,
            ..options(&ready)
        },
        CancellationToken::new(),
    )
    .await;
    assert!(matches!(refused, Err(ApiError::PlainOutside { .. })));
    std::fs::write(&files.key_file, "nothing").unwrap();
    let unreadable = ApiOptions {
        tls: Some(files),
        ..options(&ready)
    };
    let refused = serve(unreadable, CancellationToken::new()).await;
    assert!(matches!(refused, Err(ApiError::Tls { .. })));
}
