//! Numbers as texts write them.

/// A number as it is written, without loss: 1.2 and five zeros behind it are as many as 120000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number {
    /// Its digits, without zeros before them.
    pub(super) digits: u64,
    /// How many they are.
    pub(super) significant: u32,
    /// The power of ten that they are multiplied by.
    pub(super) exponent: i32,
    /// How many characters it is written with.
    pub(super) length: usize,
    pub(super) is_fraction: bool,
}

impl Number {
    /// Takes a digit that stands behind the ones known. Those beyond the eighteenth only tell how large it is.
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

    /// Without the zeros at its end.
    pub(super) fn trimmed(mut self) -> Self {
        while self.significant > 1 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.significant -= 1;
            self.exponent += 1;
        }
        self
    }

    pub(super) fn value(self) -> f64 {
        // Digits fit into 60 bits; what an f64 loses of them decides nothing.
        #[expect(clippy::cast_precision_loss, reason = "only its size is asked for")]
        let digits = self.digits as f64;
        digits * 10_f64.powi(self.exponent)
    }

    /// The number itself, where it is written with at most two digits and no fraction.
    pub(super) fn small(self) -> Option<u32> {
        let is_small = !self.is_fraction && (1..=2).contains(&self.length);
        is_small.then(|| u32::try_from(self.digits).unwrap_or(0))
    }
}
