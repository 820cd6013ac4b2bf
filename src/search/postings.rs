//! The numbers of the documents that have a term, as bytes: distances in a Rice code, or one bit for each document where
//! that is shorter.

use super::error::SearchError;

/// Number of a document in its segment. Newer ones have lower numbers.
pub(super) type Doc = u32;

/// How a list of documents is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Each as the number of documents between it and the one before, in a Rice code: what is above the lowest bits as so
    /// many zeros and a one, then the lowest bits. How many these are follows from the number of documents.
    Distances,
    /// One bit for each document of the segment.
    Bits,
}

pub(super) const DAMAGED: SearchError = SearchError::Damaged("a list of documents makes no sense");

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

/// Reads a number, and moves `at` behind it; `None` if the bytes end before.
pub(super) fn take(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Returns how many bits of a distance are written as they are, if `count` of `all` documents are in a list.
pub(super) fn low_bits(count: usize, all: usize) -> u32 {
    // The best number is the logarithm of the mean distance times the logarithm of 2.
    let mean = all / count.max(1) * 69 / 100;
    mean.checked_ilog2().unwrap_or(0).min(24)
}

/// Appends a sorted list of documents in the shorter form, and returns the form. `all` is the number of documents.
pub(super) fn write(docs: &[Doc], all: usize, out: &mut Vec<u8>) -> Form {
    let start = out.len();
    let (bytes, low) = (all.div_ceil(8), low_bits(docs.len(), all));
    let mut bits = BitWriter { out, bits: 0, count: 0 };
    let mut next = 0;
    for doc in docs {
        bits.push(doc - next, low);
        next = doc + 1;
    }
    bits.finish();
    if out.len() - start < bytes {
        return Form::Distances;
    }
    out.truncate(start);
    out.resize(start + bytes, 0);
    for doc in docs {
        if let Some(byte) = out.get_mut(start + index(*doc) / 8) {
            *byte |= 1 << (doc % 8);
        }
    }
    Form::Bits
}

/// Appends bits, the lowest of a byte first.
struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    bits: u64,
    count: u32,
}

impl BitWriter<'_> {
    fn push(&mut self, distance: u32, low: u32) {
        let mut zeros = distance >> low;
        while zeros > 0 {
            let some = zeros.min(24);
            self.put(0, some);
            zeros -= some;
        }
        let rest = u64::from(distance) & ((1 << low) - 1);
        self.put(rest << 1 | 1, low + 1);
    }

    /// Appends at most 25 bits.
    fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(u8::try_from(self.bits & 0xff).unwrap_or(0));
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    fn finish(self) {
        if self.count > 0 {
            self.out.push(u8::try_from(self.bits & 0xff).unwrap_or(0));
        }
    }
}

/// Reads a distance from the bit `at` on and moves `at` behind it; `None` if the bytes end before.
pub(super) fn take_distance(bytes: &[u8], at: &mut usize, low: u32) -> Option<u32> {
    let (mut bit, mut high) = (*at, 0_u32);
    let (mut bits, mut count);
    loop {
        (bits, count) = window(bytes, bit)?;
        let zeros = bits.trailing_zeros().min(count);
        high = high.checked_add(zeros)?;
        bit += index(zeros);
        if zeros < count {
            bits = bits >> zeros >> 1;
            count -= zeros + 1;
            bit += 1;
            break;
        }
    }
    if count < low {
        (bits, count) = window(bytes, bit)?;
    }
    if count < low {
        return None;
    }
    *at = bit + index(low);
    let rest = u32::try_from(bits & ((1 << low) - 1)).unwrap_or(0);
    high.checked_shl(low).map(|high| high | rest)
}

/// Returns up to 64 bits from `bit` on and how many they are; `None` if there are none.
fn window(bytes: &[u8], bit: usize) -> Option<(u64, u32)> {
    let (byte, skipped) = (bit / 8, doc(bit % 8));
    let rest = bytes.get(byte..)?;
    if let Some(eight) = rest.first_chunk::<8>() {
        return Some((u64::from_le_bytes(*eight) >> skipped, 64 - skipped));
    }
    let bits = rest.iter().rev().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let count = (doc(rest.len()) * 8).checked_sub(skipped).filter(|count| *count > 0)?;
    Some((bits >> skipped, count))
}

/// Reads a whole list of `count` documents of `all`.
pub(super) fn read(
    bytes: &[u8],
    form: Form,
    (count, all): (usize, usize),
    out: &mut Vec<Doc>,
) -> Result<(), SearchError> {
    match form {
        Form::Distances => {
            let (mut at, mut next, low) = (0, 0_u32, low_bits(count, all));
            for _ in 0..count {
                let distance = take_distance(bytes, &mut at, low).ok_or(DAMAGED)?;
                let doc = next.checked_add(distance).filter(|doc| index(*doc) < all).ok_or(DAMAGED)?;
                out.push(doc);
                next = doc + 1;
            }
        }
        Form::Bits => {
            for (at, byte) in (0_u32..).zip(bytes) {
                let mut left = *byte;
                while left != 0 {
                    out.push(at * 8 + left.trailing_zeros());
                    left &= left - 1;
                }
            }
        }
    }
    Ok(())
}

/// Returns the place of a document in a table.
pub(super) fn index(doc: Doc) -> usize {
    usize::try_from(doc).unwrap_or(usize::MAX)
}

/// Returns the number of the document at a place in a table.
pub(super) fn doc(index: usize) -> Doc {
    Doc::try_from(index).unwrap_or(Doc::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_were_written() {
        let check = |docs: &[Doc], all: usize, expected: Form| {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            assert_eq!(write(docs, all, &mut bytes), expected, "{docs:?} of {all}");
            assert!(bytes.len() <= docs.len() * 5);
            read(&bytes, expected, (docs.len(), all), &mut back).unwrap();
            assert_eq!(back, docs);
        };
        check(&[0, 9], 1000, Form::Distances);
        check(&[998, 999], 1000, Form::Distances);
        check(&[3, 200, 70_000, 16_000_000], 20_000_000, Form::Distances);
        check(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 19_999_999], 20_000_000, Form::Distances);
        let most: Vec<Doc> = (0..1000).filter(|doc| doc % 3 != 0).collect();
        check(&most, 1000, Form::Bits);
        for step in 1..200 {
            let some: Vec<Doc> = (0..5000).filter(|doc| doc * 7919 % 200 < step).collect();
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            let form = write(&some, 5000, &mut bytes);
            read(&bytes, form, (some.len(), 5000), &mut back).unwrap();
            assert_eq!(back, some);
        }
    }

    #[test]
    fn a_list_that_does_not_end_is_none() {
        assert_eq!(take(&[0x80], &mut 0), None);
        assert_eq!(take(&[0xff; 12], &mut 0), None);
        assert_eq!(take_distance(&[], &mut 0, 3), None);
        assert_eq!(take_distance(&[0; 40], &mut 0, 3), None);
        assert_eq!(take_distance(&[0b1000_0000], &mut 0, 3), None);
        assert!(read(&[0xff], Form::Distances, (9, 100), &mut Vec::new()).is_err());
        assert!(read(&[0; 12], Form::Distances, (2, 100), &mut Vec::new()).is_err());
    }
}
