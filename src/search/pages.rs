//! Bytes in memory or in a file. A file is made of pages that carry a checksum each, so that a damaged one is noticed
//! when it is read and never taken for an answer.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use super::error::SearchError;

/// Size of a page, in bytes, and of the data in it.
const PAGE: usize = 4096;
const DATA: usize = PAGE - 4;

const DAMAGED: SearchError = SearchError::Damaged("the checksum of a page is wrong");
const BEYOND: SearchError = SearchError::Damaged("it ends early");

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Pages {
    Memory(Vec<u8>),
    File { file: File, pages: u64 },
}

impl Pages {
    pub(super) fn of_file(file: File) -> Result<Self, SearchError> {
        let length = file.metadata().map_err(|_unreadable| BEYOND)?.len();
        let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
        if length == 0 || !length.is_multiple_of(page) {
            return Err(BEYOND);
        }
        Ok(Self::File { file, pages: length / page })
    }

    /// Returns the number of bytes that can be read.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(0),
            Self::File { pages, .. } => pages * u64::try_from(DATA).unwrap_or(0),
        }
    }

    /// Appends `length` bytes from `at` on.
    pub(super) fn read(&self, at: u64, length: usize, out: &mut Vec<u8>) -> Result<(), SearchError> {
        let end = at.checked_add(u64::try_from(length).unwrap_or(u64::MAX)).filter(|end| *end <= self.length());
        let end = end.ok_or(BEYOND)?;
        match self {
            Self::Memory(bytes) => {
                let [from, to] = [at, end].map(|place| usize::try_from(place).unwrap_or(usize::MAX));
                out.extend_from_slice(bytes.get(from..to).ok_or(BEYOND)?);
                Ok(())
            }
            Self::File { file, .. } => read_pages(file, at, length, out),
        }
    }
}

/// Reads from a file of pages, at most 64 pages at a time.
fn read_pages(file: &File, mut at: u64, mut length: usize, out: &mut Vec<u8>) -> Result<(), SearchError> {
    const AT_ONCE: usize = 64;
    let data = u64::try_from(DATA).unwrap_or(u64::MAX);
    let mut buffer = Vec::new();
    out.reserve(length);
    while length > 0 {
        let (first, skipped) = (at / data, usize::try_from(at % data).unwrap_or(0));
        let pages = (skipped + length).div_ceil(DATA).min(AT_ONCE);
        buffer.resize(pages * PAGE, 0);
        file.read_exact_at(&mut buffer, first * u64::try_from(PAGE).unwrap_or(0)).map_err(|_unreadable| BEYOND)?;
        let before = out.len();
        let mut skip = skipped;
        for (number, page) in (first..).zip(buffer.chunks(PAGE)) {
            let (bytes, sum) = page.split_at_checked(DATA).ok_or(BEYOND)?;
            if sum != checksum(number, bytes) {
                return Err(DAMAGED);
            }
            let wanted = bytes.get(skip..).unwrap_or(&[]);
            let left = length - (out.len() - before);
            out.extend_from_slice(wanted.get(..left).unwrap_or(wanted));
            skip = 0;
        }
        let got = out.len() - before;
        at += u64::try_from(got).unwrap_or(0);
        length -= got;
    }
    Ok(())
}

/// Returns the checksum of a page: a page in the wrong place has the wrong one.
fn checksum(number: u64, bytes: &[u8]) -> [u8; 4] {
    let start = u32::try_from(number & 0xffff_ffff).unwrap_or(0);
    crc32c::crc32c_append(start, bytes).to_be_bytes()
}

/// Writes bytes, to memory as they are or to a file in pages.
#[derive(Debug)]
pub(super) enum PageWriter {
    Memory(Vec<u8>),
    File { file: std::io::BufWriter<File>, page: Vec<u8>, number: u64 },
}

impl PageWriter {
    pub(super) fn to_file(file: File) -> Self {
        Self::File { file: std::io::BufWriter::with_capacity(64 * PAGE, file), page: Vec::new(), number: 0 }
    }

    /// Returns how many bytes were written.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(0),
            Self::File { page, number, .. } => {
                number * u64::try_from(DATA).unwrap_or(0) + u64::try_from(page.len()).unwrap_or(0)
            }
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Memory(all) => all.extend_from_slice(bytes),
            Self::File { file, page, number } => {
                while !bytes.is_empty() {
                    let (now, later) = bytes.split_at(bytes.len().min(DATA - page.len()));
                    page.extend_from_slice(now);
                    bytes = later;
                    if page.len() == DATA {
                        put_page(file, page, number)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the end, a text that is found again by its distance from the end, and syncs it.
    pub(super) fn finish(mut self, end: &[u8]) -> std::io::Result<Pages> {
        if let Self::File { page, .. } = &self
            && DATA - page.len() < end.len()
        {
            let fill = vec![0; DATA - page.len()];
            self.write(&fill)?;
        }
        match self {
            Self::Memory(mut bytes) => {
                bytes.extend_from_slice(end);
                bytes.shrink_to_fit();
                Ok(Pages::Memory(bytes))
            }
            Self::File { mut file, mut page, mut number } => {
                page.resize(DATA - end.len(), 0);
                page.extend_from_slice(end);
                put_page(&mut file, &mut page, &mut number)?;
                file.flush()?;
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                file.sync_all()?;
                Ok(Pages::File { file, pages: number })
            }
        }
    }
}

fn put_page(file: &mut std::io::BufWriter<File>, page: &mut Vec<u8>, number: &mut u64) -> std::io::Result<()> {
    file.write_all(page)?;
    file.write_all(&checksum(*number, page))?;
    page.clear();
    *number += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written_and_no_flipped_bit_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at * 7 % 251) as u8).collect();
        let create = || File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap();
        let mut writer = PageWriter::to_file(create());
        bytes.chunks(1000).for_each(|chunk| writer.write(chunk).unwrap());
        assert_eq!(writer.length(), 600_000);
        let pages = writer.finish(b"the end").unwrap();
        for (at, length) in [(0, 10), (4090, 10), (599_990, 10), (0, 600_000), (5000, 300_000), (17, 0)] {
            let mut out = vec![1];
            pages.read(at, length, &mut out).unwrap();
            assert_eq!(out[1..], bytes[usize::try_from(at).unwrap()..][..length], "{at} {length}");
        }
        let mut out = Vec::new();
        pages.read(pages.length() - 7, 7, &mut out).unwrap();
        assert_eq!(out, b"the end");
        assert!(pages.read(pages.length() - 7, 8, &mut out).is_err());
        assert!(pages.read(u64::MAX, 8, &mut out).is_err());
        let written = std::fs::read(&path).unwrap();
        for bit in (0..written.len() * 8).step_by(9973) {
            let mut damaged = written.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            let pages = Pages::of_file(File::open(&path).unwrap()).unwrap();
            assert!(pages.read(0, usize::try_from(pages.length()).unwrap(), &mut Vec::new()).is_err(), "bit {bit}");
        }
    }
}
