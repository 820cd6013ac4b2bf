//! Content codings (RFC 9110, section 8.4.1): decompression with a size limit.

use std::io::Read;

/// Content coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Why a body cannot be unpacked.
#[derive(Debug)]
pub(super) enum UnpackError {
    /// The unpacked body exceeds the limit.
    TooLarge,
    /// The data is malformed.
    Broken(String),
}

/// The largest window of a zstd frame, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

impl Coding {
    /// Value of the `Accept-Encoding` header.
    pub(super) const ACCEPTED: &'static str = "gzip, br, zstd, deflate";

    /// Parses a `Content-Encoding`; `None` if it lists several codings. What is no coding, such as a charset, counts as
    /// none, as in browsers.
    pub(super) fn named(text: &str) -> Option<Self> {
        match text.trim().trim_end_matches(',').to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" | "x-deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            several if several.contains(',') => None,
            _ => Some(Self::Plain),
        }
    }

    /// Returns the coding of a body by its first bytes, if the header names none: a gzip file, such as a compressed
    /// sitemap, is served as it is (RFC 1952, section 2.3.1).
    pub(super) fn of(self, body: &[u8]) -> Self {
        match (self, body) {
            (Self::Plain, [0x1f, 0x8b, 8, ..]) => Self::Gzip,
            (coding, _) => coding,
        }
    }

    /// Unpacks a body of at most `most` bytes; more is an error.
    pub(super) fn unpack(self, packed: &[u8], most: usize) -> Result<Vec<u8>, UnpackError> {
        match self {
            Self::Plain => Ok(packed.to_vec()),
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(packed), most),
            // Many servers send raw deflate data without the zlib header that the name requires.
            Self::Deflate => match read(flate2::read::ZlibDecoder::new(packed), most) {
                Err(UnpackError::Broken(_)) => read(flate2::read::DeflateDecoder::new(packed), most),
                read => read,
            },
            Self::Brotli => read(brotli::Decompressor::new(packed, 4096), most),
            Self::Zstd => {
                let broken = |error: std::io::Error| UnpackError::Broken(error.to_string());
                let mut decoder = zstd::stream::read::Decoder::new(packed).map_err(broken)?;
                decoder.window_log_max(ZSTD_WINDOW).map_err(broken)?;
                read(decoder, most)
            }
        }
    }
}

fn read(decoder: impl Read, most: usize) -> Result<Vec<u8>, UnpackError> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    decoder.take(limit).read_to_end(&mut unpacked).map_err(|error| UnpackError::Broken(error.to_string()))?;
    if unpacked.len() > most { Err(UnpackError::TooLarge) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_coding_is_read_and_named_as_it_comes() {
        let text = "阳泉".repeat(2000).into_bytes();
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflated.write_all(&text).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 5, 20).write_all(&text).unwrap();
        for (name, packed) in [
            ("GZIP", gzip(&text)),
            ("deflate", deflated.finish().unwrap()),
            (" deflate ", zlib.finish().unwrap()),
            ("br", br),
            ("zstd", zstd::encode_all(text.as_slice(), 1).unwrap()),
            ("", text.clone()),
        ] {
            assert_eq!(Coding::named(name).unwrap().unpack(&packed, 1 << 20).unwrap(), text, "{name}");
        }
        assert_eq!(Coding::named("gzip, gzip"), None);
        assert_eq!(Coding::named("ISO-8859-1"), Some(Coding::Plain));
        assert_eq!(Coding::Plain.of(&gzip(&text)), Coding::Gzip);
        assert_eq!(Coding::Plain.of(&text), Coding::Plain);
    }

    #[test]
    fn what_unpacks_to_too_much_is_cut() {
        let bomb = gzip(&vec![0; 9 << 20]);
        assert!(matches!(Coding::Gzip.unpack(&bomb, 8 << 20), Err(UnpackError::TooLarge)));
    }

    #[test]
    fn frames_of_nothing_are_nothing() {
        let empty = gzip(b"").repeat(1000);
        assert_eq!(Coding::Gzip.unpack(&empty, 100).unwrap(), b"");
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4][..], &zstd::encode_all(&b"a"[..], 1).unwrap()];
        assert_eq!(Coding::Zstd.unpack(&skipped.concat(), 100).unwrap(), b"a");
    }
}
