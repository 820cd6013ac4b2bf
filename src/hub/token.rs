//! Random tokens.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns 192 random bits in hexadecimal; `None` if the system has none.
pub(super) fn random() -> Option<String> {
    let mut bytes = [0_u8; 24];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(hexadecimal(&bytes))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ() {
        assert_ne!(random().unwrap(), random().unwrap());
        assert_eq!(random().unwrap().len(), 48);
    }
}
