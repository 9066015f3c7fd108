//! Sealing: authenticated encryption of everything personal at rest, keyed digests for look-ups,
//! and keys derived for one purpose each.
//!
//! A sealed value is `1 | nonce (24) | XChaCha20-Poly1305 ciphertext`. The additional data binds it to
//! its place, so that it opens nowhere else.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Bytes that a sealed value is longer than what it holds.
pub const OVERHEAD: usize = 1 + NONCE + TAG;

/// A 256-bit key. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// Why a sealed value does not open. Says nothing of what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or of a later version.
    #[error("sealed value is cut short or of an unknown version")]
    Malformed,
    /// Another key, another place, or changed bytes.
    #[error("sealed value does not open: other key, other place, or changed")]
    Refused,
}

impl SealKey {
    /// A key from 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from a slice; `None` unless it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for wrapping under another key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A fresh random key.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
        Self(bytes)
    }

    /// The key for one purpose (HKDF-SHA256). The same label gives the same key.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(label.as_bytes(), &mut bytes)
            .expect("32 bytes are within HKDF's limit");
        Self(bytes)
    }

    /// A password for one purpose: 43 characters of URL-safe base64.
    pub fn password(&self, label: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.derive(label).0)
    }

    /// Keyed digest (HMAC-SHA256) for look-ups and for addresses that may be shown.
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.0)
            .expect("HMAC takes any key length");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// Seals `plain`, bound to `aad`.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE];
        getrandom::fill(&mut nonce).expect("the operating system provides random bytes");
        let cipher = XChaCha20Poly1305::new((&self.0).into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad })
            .expect("payloads are far below the cipher's limit");
        let mut out = Vec::with_capacity(OVERHEAD + plain.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`SealKey::seal`] sealed with the same `aad`.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for cut or foreign bytes, [`SealError::Refused`] for the wrong key or place.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        if sealed.len() < OVERHEAD || sealed[0] != VERSION {
            return Err(SealError::Malformed);
        }
        let nonce: [u8; NONCE] = sealed[1..1 + NONCE]
            .try_into()
            .map_err(|_| SealError::Malformed)?;
        XChaCha20Poly1305::new((&self.0).into())
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: &sealed[1 + NONCE..],
                    aad,
                },
            )
            .map_err(|_| SealError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_at_its_place() {
        let key = SealKey::from_bytes([7; 32]);
        let sealed = key.seal(b"place", "秘".as_bytes());
        assert_eq!(key.open(b"place", &sealed).as_deref(), Ok("秘".as_bytes()));
        assert_eq!(key.open(b"other", &sealed), Err(SealError::Refused));
        assert_eq!(
            key.derive("x").open(b"place", &sealed),
            Err(SealError::Refused)
        );
        assert_eq!(key.open(b"place", &sealed[..20]), Err(SealError::Malformed));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open(b"place", &changed), Err(SealError::Refused));
    }
}
