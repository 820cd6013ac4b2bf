//! Numbers as they appear in texts.

/// A number as written, without loss of precision: `digits` × 10^`exponent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number {
    /// Digits, without leading zeros.
    pub(super) digits: u64,
    /// Number of significant digits.
    pub(super) significant: u32,
    /// Power of ten by which the digits are multiplied.
    pub(super) exponent: i32,
    /// Number of characters it is written with.
    pub(super) length: usize,
    pub(super) is_fraction: bool,
}

impl Number {
    /// Appends a digit. Digits beyond the eighteenth only change the magnitude.
    pub(super) fn push(&mut self, digit: u32) {
        self.length += 1;
        self.exponent -= i32::from(self.is_fraction);
        if self.significant >= 18 {
            self.exponent += 1;
            return;
        }
        self.digits = self.digits * 10 + u64::from(digit);
        self.significant += u32::from(self.digits > 0);
    }

    /// Returns the number without trailing zeros.
    pub(super) fn trimmed(mut self) -> Self {
        while self.significant > 1 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.significant -= 1;
            self.exponent += 1;
        }
        self
    }

    pub(super) fn value(self) -> f64 {
        // The digits fit into 60 bits; the precision an f64 loses does not affect any decision.
        #[expect(clippy::cast_precision_loss, reason = "only its size is asked for")]
        let digits = self.digits as f64;
        digits * 10_f64.powi(self.exponent)
    }

    /// Returns the value if the number is written with at most two digits and no fraction.
    pub(super) fn small(self) -> Option<u32> {
        let is_small = !self.is_fraction && (1..=2).contains(&self.length);
        is_small.then(|| u32::try_from(self.digits).unwrap_or(0))
    }
}
