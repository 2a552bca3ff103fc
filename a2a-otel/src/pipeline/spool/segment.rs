//! One file of the spool: requests one after the other, each with a mark, its length and a checksum.
//!
//! ```text
//! file    = "a2aotel1" record*
//! record  = "a2rc" state length spans checksum body
//! state   = one byte: 0 to be sent, 1 done
//! length, spans, checksum = four bytes, little-endian; the checksum (CRC-32) is of length, spans and body
//! body    = an OTLP `ExportTraceServiceRequest`
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crc32fast::Hasher;
use memchr::memmem;

const FILE_MARK: &[u8] = b"a2aotel1";
const RECORD_MARK: &[u8] = b"a2rc";
const STATE: u64 = RECORD_MARK.len() as u64;
const HEADER: usize = RECORD_MARK.len() + 1 + 3 * size_of::<u32>();
const DONE: u8 = 1;

/// Where a request lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    pub(super) length: u32,
    pub(super) spans: u32,
}

/// A file that is written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    length: u64,
}

impl Segment {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        private(&mut options);
        let mut file = options.open(path)?;
        file.write_all(FILE_MARK)?;
        Ok(Segment { file, length: FILE_MARK.len() as u64 })
    }

    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Segment { file, length })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What is written in part, because the disk is full, is taken back.
    pub(super) fn append(&mut self, body: &[u8], spans: u32) -> io::Result<Place> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut record = Vec::with_capacity(HEADER + body.len());
        record.extend(RECORD_MARK);
        record.push(0);
        record.extend(length.to_le_bytes());
        record.extend(spans.to_le_bytes());
        record.extend(checksum(length, spans, body).to_le_bytes());
        record.extend(body);
        let offset = self.length;
        self.file.seek(SeekFrom::Start(offset))?;
        if let Err(error) = self.file.write_all(&record) {
            let _ = self.file.set_len(offset);
            return Err(error);
        }
        self.length += record.len() as u64;
        Ok(Place { offset, length, spans })
    }

    pub(super) fn read(&mut self, place: Place) -> io::Result<Vec<u8>> {
        let mut record = vec![0; HEADER + place.length as usize];
        self.file.seek(SeekFrom::Start(place.offset))?;
        self.file.read_exact(&mut record)?;
        match Record::parse(&record) {
            Some(_) => Ok(record.split_off(HEADER)),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong")),
        }
    }

    pub(super) fn mark_done(&mut self, place: Place) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(place.offset + STATE))?;
        self.file.write_all(&[DONE])
    }

    /// What is still to be sent, and how many bytes are not what was once written.
    pub(super) fn scan(&mut self) -> io::Result<(Vec<Place>, usize)> {
        let mut content = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut content)?;
        let (mut places, mut damaged, mut offset) = (Vec::new(), 0, FILE_MARK.len().min(content.len()));
        while offset < content.len() {
            let rest = &content[offset..];
            let Some(record) = Record::parse(rest) else {
                let skipped = memmem::find(&rest[1..], RECORD_MARK).map_or(rest.len(), |next| next + 1);
                damaged += skipped;
                offset += skipped;
                continue;
            };
            if record.state != DONE {
                let Record { length, spans, .. } = record;
                places.push(Place { offset: offset as u64, length, spans });
            }
            offset += HEADER + record.length as usize;
        }
        Ok((places, damaged))
    }
}

struct Record {
    state: u8,
    length: u32,
    spans: u32,
}

impl Record {
    /// The record at the beginning of these bytes, if it is as it was written.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.strip_prefix(RECORD_MARK)?;
        let (&state, header) = header.split_first()?;
        let (length, header) = number(header)?;
        let (spans, header) = number(header)?;
        let (expected, body) = number(header)?;
        let body = body.get(..length as usize)?;
        (checksum(length, spans, body) == expected).then_some(Record { state, length, spans })
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn checksum(length: u32, spans: u32, body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&spans.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// What agents were told and answered is nobody else's business.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private(_options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let unique = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ());
            Scratch(std::env::temp_dir().join(format!("a2a-otel-segment-{unique:016x}")))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn written(bodies: &[Vec<u8>]) -> (Scratch, Vec<Place>) {
        let scratch = Scratch::new();
        let mut segment = Segment::create(&scratch.0).unwrap();
        let places = bodies.iter().map(|body| segment.append(body, 1).unwrap()).collect();
        (scratch, places)
    }

    fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_appended_is_found_but_for_what_is_done(bodies in bodies(), done in any::<u16>()) {
            let (scratch, places) = written(&bodies);
            let mut segment = Segment::open(&scratch.0).unwrap();
            let is_done = |index: usize| done >> index & 1 == 1;
            for (index, place) in places.iter().enumerate().filter(|(index, _)| is_done(*index)) {
                prop_assert!(index < 16);
                segment.mark_done(*place).unwrap();
            }
            let (found, damaged) = segment.scan().unwrap();
            let expected: Vec<_> =
                places.iter().enumerate().filter(|(index, _)| !is_done(*index)).map(|(_, place)| *place).collect();
            prop_assert_eq!((&found, damaged), (&expected, 0));
            for (place, body) in places.iter().zip(&bodies) {
                prop_assert_eq!(&segment.read(*place).unwrap(), body);
            }
        }

        #[test]
        fn a_flipped_bit_costs_no_more_than_its_record(bodies in bodies(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let (scratch, places) = written(&bodies);
            let mut content = fs::read(&scratch.0).unwrap();
            let position = FILE_MARK.len() + at.index(content.len() - FILE_MARK.len());
            content[position] ^= 1_u8 << bit;
            fs::write(&scratch.0, &content).unwrap();
            let (found, _) = Segment::open(&scratch.0).unwrap().scan().unwrap();
            let end = |place: &Place| place.offset + (HEADER + place.length as usize) as u64;
            let hit = places.iter().find(|place| end(place) > position as u64).unwrap();
            let others: Vec<_> = places.iter().filter(|place| *place != hit).copied().collect();
            let without_hit: Vec<_> = found.into_iter().filter(|place| place != hit).collect();
            prop_assert_eq!(without_hit, others);
        }

        #[test]
        fn a_torn_end_costs_no_more_than_the_last_records(bodies in bodies(), at in any::<prop::sample::Index>()) {
            let (scratch, places) = written(&bodies);
            let content = fs::read(&scratch.0).unwrap();
            let length = at.index(content.len());
            fs::write(&scratch.0, &content[..length]).unwrap();
            let (found, _) = Segment::open(&scratch.0).unwrap().scan().unwrap();
            let is_whole = |place: &&Place| place.offset + (HEADER + place.length as usize) as u64 <= length as u64;
            prop_assert_eq!(found, places.iter().filter(is_whole).copied().collect::<Vec<_>>());
        }

        #[test]
        fn no_content_makes_the_reader_panic(content in prop::collection::vec(any::<u8>(), 0..400)) {
            let scratch = Scratch::new();
            fs::write(&scratch.0, content).unwrap();
            let (places, _) = Segment::open(&scratch.0).unwrap().scan().unwrap();
            prop_assert!(places.len() < 400);
        }
    }
}
