//! Who is signed in: browsers that came through the one-time link, in this process's memory only.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use shikaku_schemas::seal::SealKey;

/// The cookie of a signed-in browser.
pub(crate) const COOKIE: &str = "shikaku";
/// Browsers remembered at most.
const BROWSERS: usize = 64;

/// Signed-in browsers and the link that lets one in.
pub(crate) struct Door {
    /// Makes comparing take equally long whatever is presented.
    key: SealKey,
    link: Mutex<Option<[u8; 32]>>,
    browsers: Mutex<HashSet<[u8; 32]>>,
    secure: bool,
}

impl Door {
    pub(crate) fn new(link_token: Option<&str>, secure: bool) -> Self {
        let key = SealKey::random();
        let link = link_token.map(|token| key.digest(token.as_bytes()));
        Self {
            key,
            link: Mutex::new(link),
            browsers: Mutex::default(),
            secure,
        }
    }

    /// Lets one browser in, once: the cookie to set, or nothing when the token is not the link's or was used.
    pub(crate) fn enter(&self, token: &str) -> Option<String> {
        let presented = self.key.digest(token.as_bytes());
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if *link != Some(presented) {
            return None;
        }
        *link = None;
        let name = SealKey::random().password("browser");
        let mut browsers = self.browsers.lock().unwrap_or_else(PoisonError::into_inner);
        if browsers.len() >= BROWSERS {
            browsers.clear();
        }
        browsers.insert(self.key.digest(name.as_bytes()));
        Some(self.cookie(&name, None))
    }

    /// Whether the request comes from a signed-in browser.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        presented(headers).is_some_and(|name| {
            self.browsers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&self.key.digest(name.as_bytes()))
        })
    }

    /// Forgets the browser: the cookie that takes its name away.
    pub(crate) fn leave(&self, headers: &HeaderMap) -> String {
        if let Some(name) = presented(headers) {
            self.browsers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&self.key.digest(name.as_bytes()));
        }
        self.cookie("", Some(0))
    }

    /// Whether connections are encrypted.
    pub(crate) fn secure(&self) -> bool {
        self.secure
    }

    fn cookie(&self, value: &str, max_age: Option<u32>) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = max_age.map_or(String::new(), |age| format!("; Max-Age={age}"));
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
    }
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}
