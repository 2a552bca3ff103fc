//! The format of one file: requests one after the other, each with a mark, its length and a checksum.
//!
//! ```text
//! file    = "a2aotel1" record*
//! record  = "a2rc" state length items checksum body
//! state   = one byte: 0 to be sent, 1 done
//! length, items, checksum = four bytes, little-endian; the checksum (CRC-32) is of length, items and body
//! body    = an OTLP request of any signal, as it is sent, with so many items
//! ```
//!
//! Records are appended, and only their state changes afterwards. Bytes that are not a record are skipped up to the
//! next mark.

use std::io;
#[cfg(test)]
use std::ops::Range;
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use memchr::memmem;

use super::files::{File, Files, Metadata};

const FILE_MARK: &[u8] = b"a2aotel1";
const RECORD_MARK: &[u8] = b"a2rc";
const STATE: u64 = RECORD_MARK.len() as u64;
pub(super) const HEADER: usize = RECORD_MARK.len() + 1 + 3 * size_of::<u32>();
const DONE: u8 = 1;

/// The position of a request in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    offset: u64,
    pub(super) length: u32,
    pub(super) items: u32,
}

impl Extent {
    /// The bytes that it takes in the file.
    #[cfg(test)]
    pub(super) fn range(self) -> Range<u64> {
        self.offset..self.offset + HEADER as u64 + u64::from(self.length)
    }
}

/// How many bytes a request adds to the files, including the mark of a new file.
pub(super) fn bytes_to_store(body: &[u8]) -> u64 {
    (FILE_MARK.len() + HEADER + body.len()) as u64
}

/// A file, and its length.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    /// Only the file that is written to stays open, so that the number of segments is not limited by the number of open
    /// files. A file that is deleted while it is open would also keep its space on disk.
    file: Option<Box<dyn File>>,
    length: u64,
}

impl Segment {
    pub(super) fn create(files: &dyn Files, path: &Path) -> io::Result<Self> {
        let mut file = files.create(path)?;
        if let Err(error) = file.write_at(0, FILE_MARK) {
            // The disk may stay full for a long time, and each attempt would leave a file behind.
            let _ = files.delete(path);
            return Err(error);
        }
        Ok(Segment { path: path.to_owned(), file: Some(file), length: FILE_MARK.len() as u64 })
    }

    /// Opens the file of another process.
    pub(super) fn open(files: &dyn Files, path: &Path) -> io::Result<(Self, Metadata)> {
        let file = files.open(path)?;
        let metadata = file.metadata()?;
        Ok((Segment { path: path.to_owned(), file: Some(file), length: metadata.length }, metadata))
    }

    /// Closes the file. It is opened again for each request that is read or marked.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Moves the file, and closes it.
    pub(super) fn move_to(&mut self, files: &dyn Files, path: PathBuf) -> io::Result<()> {
        self.close();
        files.rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody has deleted the file.
    pub(super) fn is_gone(&self, files: &dyn Files) -> bool {
        let is_here = match &self.file {
            Some(file) => file.is_at(&self.path),
            None => files.look(&self.path).map(|_| true),
        };
        !is_here.unwrap_or_else(|error| error.kind() != io::ErrorKind::NotFound)
    }

    fn with<T>(
        &mut self,
        files: &dyn Files,
        act: impl FnOnce(&mut Box<dyn File>) -> io::Result<T>,
    ) -> io::Result<T> {
        match &mut self.file {
            Some(file) => act(file),
            None => act(&mut files.open(&self.path)?),
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends a request. If only a part of it can be written, because the disk is full, that part is removed.
    pub(super) fn append(&mut self, files: &dyn Files, body: &[u8], items: u32) -> io::Result<Extent> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut record = Vec::with_capacity(HEADER + body.len());
        record.extend(RECORD_MARK);
        record.push(0);
        record.extend(length.to_le_bytes());
        record.extend(items.to_le_bytes());
        record.extend(checksum(length, items, body).to_le_bytes());
        record.extend(body);
        let offset = self.length;
        self.with(files, |file| {
            file.write_at(offset, &record).inspect_err(|_| {
                let _ = file.set_length(offset);
            })
        })?;
        self.length += record.len() as u64;
        Ok(Extent { offset, length, items })
    }

    /// Reads a request. If the file does not have it, the kind of the error is `InvalidData` or `UnexpectedEof`.
    pub(super) fn read(&mut self, files: &dyn Files, extent: Extent) -> io::Result<Vec<u8>> {
        let mut record = vec![0; HEADER + extent.length as usize];
        self.with(files, |file| file.read_at(extent.offset, &mut record))?;
        match Header::parse(&record) {
            Some(_) => Ok(record.split_off(HEADER)),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong")),
        }
    }

    pub(super) fn mark_done(&mut self, files: &dyn Files, extent: Extent) -> io::Result<()> {
        self.with(files, |file| file.write_at(extent.offset + STATE, &[DONE]))
    }

    /// Finds the requests that remain to be sent, and the number of damaged bytes.
    pub(super) fn scan(&mut self, files: &dyn Files) -> io::Result<(Vec<Extent>, usize)> {
        let mut content = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
        self.with(files, |file| file.read_at(0, &mut content))?;
        let (mut extents, mut damaged, mut offset) = (Vec::new(), 0, FILE_MARK.len().min(content.len()));
        while offset < content.len() {
            let rest = &content[offset..];
            let Some(Header { state, length, items }) = Header::parse(rest) else {
                let skipped = memmem::find(&rest[1..], RECORD_MARK).map_or(rest.len(), |next| next + 1);
                damaged += skipped;
                offset += skipped;
                continue;
            };
            if state != DONE {
                extents.push(Extent { offset: offset as u64, length, items });
            }
            offset += HEADER + length as usize;
        }
        Ok((extents, damaged))
    }
}

/// The part of a record before its body.
struct Header {
    state: u8,
    length: u32,
    items: u32,
}

impl Header {
    /// Parses the record at the beginning of these bytes. Returns `None` if it is damaged.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.strip_prefix(RECORD_MARK)?;
        let (&state, header) = header.split_first()?;
        let (length, header) = number(header)?;
        let (items, header) = number(header)?;
        let (expected, body) = number(header)?;
        let body = body.get(..length as usize)?;
        (checksum(length, items, body) == expected).then_some(Header { state, length, items })
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn checksum(length: u32, items: u32, body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&items.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::super::files::StdFiles;
    use super::*;
    use crate::pipeline::scratch::Scratch;

    fn written(bodies: &[Vec<u8>]) -> (Scratch, Vec<Extent>) {
        let scratch = Scratch::new();
        let mut segment = Segment::create(&StdFiles, &scratch.0).unwrap();
        let extents = bodies.iter().map(|body| segment.append(&StdFiles, body, 1).unwrap()).collect();
        (scratch, extents)
    }

    fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12)
    }

    #[test]
    fn the_format_on_disk_stays() {
        let mut expected = b"a2aotel1a2rc\x00\x02\x00\x00\x00\x01\x00\x00\x00\xbd\x53\x69\xb5hi".to_vec();
        let (scratch, extents) = written(&[b"hi".to_vec()]);
        assert_eq!(fs::read(&scratch.0).unwrap(), expected);
        Segment::open(&StdFiles, &scratch.0).unwrap().0.mark_done(&StdFiles, extents[0]).unwrap();
        expected[12] = 1;
        assert_eq!(fs::read(&scratch.0).unwrap(), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_appended_is_found_but_for_what_is_done(bodies in bodies(), done in any::<u16>()) {
            let (scratch, extents) = written(&bodies);
            let mut segment = Segment::open(&StdFiles, &scratch.0).unwrap().0;
            let is_done = |index: usize| done >> index & 1 == 1;
            for (index, extent) in extents.iter().enumerate().filter(|(index, _)| is_done(*index)) {
                prop_assert!(index < 16);
                segment.mark_done(&StdFiles, *extent).unwrap();
            }
            let (found, damaged) = segment.scan(&StdFiles).unwrap();
            let expected: Vec<_> =
                extents.iter().enumerate().filter(|(index, _)| !is_done(*index)).map(|(_, extent)| *extent).collect();
            prop_assert_eq!((&found, damaged), (&expected, 0));
            for (extent, body) in extents.iter().zip(&bodies) {
                prop_assert_eq!(&segment.read(&StdFiles, *extent).unwrap(), body);
            }
        }

        #[test]
        fn a_flipped_bit_costs_no_more_than_its_record(bodies in bodies(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let (scratch, extents) = written(&bodies);
            let mut content = fs::read(&scratch.0).unwrap();
            let position = FILE_MARK.len() + at.index(content.len() - FILE_MARK.len());
            content[position] ^= 1_u8 << bit;
            fs::write(&scratch.0, &content).unwrap();
            let (found, _) = Segment::open(&StdFiles, &scratch.0).unwrap().0.scan(&StdFiles).unwrap();
            let end = |extent: &Extent| extent.offset + (HEADER + extent.length as usize) as u64;
            let hit = extents.iter().find(|extent| end(extent) > position as u64).unwrap();
            let others: Vec<_> = extents.iter().filter(|extent| *extent != hit).copied().collect();
            let without_hit: Vec<_> = found.into_iter().filter(|extent| extent != hit).collect();
            prop_assert_eq!(without_hit, others);
        }

        #[test]
        fn a_torn_end_costs_no_more_than_the_last_records(bodies in bodies(), at in any::<prop::sample::Index>()) {
            let (scratch, extents) = written(&bodies);
            let content = fs::read(&scratch.0).unwrap();
            let length = at.index(content.len());
            fs::write(&scratch.0, &content[..length]).unwrap();
            let (found, _) = Segment::open(&StdFiles, &scratch.0).unwrap().0.scan(&StdFiles).unwrap();
            let is_whole = |extent: &&Extent| extent.offset + (HEADER + extent.length as usize) as u64 <= length as u64;
            prop_assert_eq!(found, extents.iter().filter(is_whole).copied().collect::<Vec<_>>());
        }

        #[test]
        fn no_content_makes_the_reader_panic(content in prop::collection::vec(any::<u8>(), 0..400)) {
            let scratch = Scratch::new();
            fs::write(&scratch.0, content).unwrap();
            let (extents, _) = Segment::open(&StdFiles, &scratch.0).unwrap().0.scan(&StdFiles).unwrap();
            prop_assert!(extents.len() < 400);
        }
    }
}
