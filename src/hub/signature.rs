//! Signatures of what is delivered (WebSub, section 8).

use ring::hmac::{self, Algorithm};

use super::token::hexadecimal;

/// The methods that a hub may sign with.
static METHODS: [(&str, &Algorithm); 4] = [
    ("sha1", &hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ("sha256", &hmac::HMAC_SHA256),
    ("sha384", &hmac::HMAC_SHA384),
    ("sha512", &hmac::HMAC_SHA512),
];

/// Returns the signature of a body.
pub(super) fn sign(secret: &[u8], body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("sha256={}", hexadecimal(hmac::sign(&key, body).as_ref()))
}

/// Checks the signature of a body that arrives in pieces.
pub(super) struct Check {
    context: hmac::Context,
    expected: String,
}

impl Check {
    /// Prepares to check a signature as a header has it; `None` if its method is unknown.
    pub(super) fn new(secret: &str, signature: &str) -> Option<Self> {
        let (method, expected) = signature.split_once('=')?;
        let (_, algorithm) = METHODS.iter().find(|(name, _)| name.eq_ignore_ascii_case(method.trim()))?;
        let key = hmac::Key::new(**algorithm, secret.as_bytes());
        Some(Self { context: hmac::Context::with_key(&key), expected: expected.trim().to_ascii_lowercase() })
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        self.context.update(piece);
    }

    pub(super) fn matches(self) -> bool {
        let found = hexadecimal(self.context.sign().as_ref());
        // Takes the same time wherever they differ.
        found.len() == self.expected.len()
            && found.bytes().zip(self.expected.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 2 of RFC 2202 and RFC 4231.
    #[test]
    fn signatures_are_those_of_the_standards() {
        let (key, text) = ("Jefe", b"what do ya want for nothing?");
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(key.as_bytes(), text), expected);
        let is_right = |signature: &str| {
            let mut check = Check::new(key, signature)?;
            text.chunks(5).for_each(|piece| check.take(piece));
            Some(check.matches())
        };
        assert_eq!(is_right(expected), Some(true));
        assert_eq!(is_right("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), Some(true));
        assert_eq!(is_right(&expected.to_uppercase()), Some(true));
        for wrong in ["sha256=", "sha256=00", "sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"] {
            assert_eq!(is_right(wrong), Some(false), "{wrong}");
        }
        assert_eq!(is_right(&expected.replace("=5bd", "=6bd")), Some(false));
        assert_eq!(is_right("md5=750c783e6ab0b503eaa86e310a5db738"), None);
        assert_eq!(is_right("none"), None);
    }
}
