//! A finished document and its compressed forms.

use std::io::Write;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::model::Moment;

/// Media type of pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";
/// Documents smaller than this are not sent compressed, in bytes.
const WORTH_PACKING: usize = 512;

/// A finished document with all its representations.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) media_type: HeaderValue,
    /// Whether it is a feed in XML, which browsers show as plain text unless it has the general type of XML.
    pub(super) is_xml_feed: bool,
    pub(super) last_modified: Moment,
    pub(super) last_modified_header: HeaderValue,
    /// Value of the `Link` header, if there is one.
    pub(super) links: Option<HeaderValue>,
    /// Identity, gzip, br, zstd; absent if compression gained nothing.
    representations: [Option<Representation>; 4],
}

/// The bytes of a document, and when they changed last.
pub(super) struct Rendered {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) changed: Moment,
}

/// Why there is no document.
pub(super) enum Failure {
    /// There is nothing under this name.
    Missing,
    /// What was here was withdrawn by the admin, who may have given a reason for readers, or by its source.
    Gone(Option<String>),
    /// Too many requests are waiting.
    Busy,
    /// The store is not open yet.
    Opening,
    /// The document needs a part of the store that cannot be read for now.
    Closed,
    /// The search index is being made.
    Indexing,
    /// Rendering panicked.
    FellOver,
}

impl Rendered {
    pub(super) fn finish(self) -> Document {
        Document::new(self.media_type, self.bytes, self.changed)
    }
}

/// A representation of a document, with its own strong validator (RFC 9110, section 8.8.3.3).
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) coding: Coding,
    pub(super) bytes: Bytes,
    pub(super) etag: HeaderValue,
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl Document {
    /// Builds a document and compresses it, which takes milliseconds: call it on a blocking thread.
    pub(super) fn new(media_type: &'static str, bytes: Vec<u8>, last_modified: Moment) -> Self {
        let tag = Self::tag(&bytes);
        let packed = [
            (Coding::Gzip, gzip(&bytes)),
            (Coding::Brotli, brotli(&bytes)),
            (Coding::Zstd, zstd::encode_all(bytes.as_slice(), 6).ok()),
        ];
        let is_worth = bytes.len() >= WORTH_PACKING;
        let plain = bytes.len();
        let representation = |coding: Coding, bytes: Vec<u8>| {
            let suffix = if coding == Coding::Identity { String::new() } else { format!("-{}", coding.name()) };
            let etag = HeaderValue::try_from(format!("\"{tag}{suffix}\"")).ok()?;
            Some(Representation { coding, bytes: bytes.into(), etag })
        };
        let mut representations = [representation(Coding::Identity, bytes), None, None, None];
        for ((coding, packed), place) in packed.into_iter().zip(representations.iter_mut().skip(1)) {
            *place = packed
                .filter(|packed| is_worth && packed.len() < plain)
                .and_then(|packed| representation(coding, packed));
        }
        let date = HeaderValue::try_from(last_modified.http_date())
            .unwrap_or_else(|_invalid| HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"));
        Self {
            media_type: HeaderValue::from_static(media_type),
            is_xml_feed: media_type.contains("+xml"),
            last_modified,
            last_modified_header: date,
            links: None,
            representations,
        }
    }

    /// Returns what validates these bytes.
    pub(super) fn tag(bytes: &[u8]) -> String {
        blake3::hash(bytes).to_hex().chars().take(24).collect()
    }

    /// Returns the document with a `Link` header.
    pub(super) fn linked(self, links: Option<HeaderValue>) -> Self {
        Self { links, ..self }
    }

    pub(super) fn representation(&self, coding: Coding) -> Option<&Representation> {
        self.representations.iter().flatten().find(|representation| representation.coding == coding)
    }

    pub(super) fn representations(&self) -> impl Iterator<Item = &Representation> {
        self.representations.iter().flatten()
    }

    /// Returns the total size of all representations, in bytes.
    pub(super) fn size(&self) -> usize {
        self.representations().map(|representation| representation.bytes.len()).sum()
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    // No time and no file name, so that the same bytes give the same archive.
    let mut encoder = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 16 * 1024, 5, 20);
    encoder.write_all(bytes).ok()?;
    drop(encoder);
    Some(out)
}
