//! The spool's index in memory: which entry stands where and what the hub said of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shikaku_disk::Disk;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::ObservationId;

use super::mark::{Mark, Marks};
use super::segment::{Located, Segment};
use super::{Entry, Pending, SpoolError, SpoolOptions, SpoolStatus, frame};

/// An idle segment whose entries are all done is left behind at this size, so that little sealed data
/// outlives its purpose.
const LEAVE_BEHIND: u64 = 256 << 10;

#[derive(Debug, Clone, Copy)]
struct Slot {
    sequence: u64,
    segment: u64,
    offset: u64,
    bytes: u64,
    mark: Mark,
}

#[derive(Debug)]
pub(super) struct State {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    key: SealKey,
    max_bytes: u64,
    segment_bytes: u64,
    segments: BTreeMap<u64, Segment>,
    /// The segment that appends go to; none after a failed write.
    active: Option<u64>,
    slots: HashMap<ObservationId, Slot>,
    waiting: BTreeMap<u64, ObservationId>,
    /// What the hub set aside; few, and asked for often.
    parked: BTreeSet<ObservationId>,
    next: u64,
    bytes: u64,
    marks: Marks,
}

impl State {
    pub(super) fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        let (marks, said) = Marks::open(&options.disk, &options.directory)?;
        let mut state = Self {
            key: options.group_key.derive("spool"),
            max_bytes: options.max_bytes,
            segment_bytes: options.segment_bytes,
            segments: BTreeMap::new(),
            active: None,
            slots: HashMap::new(),
            waiting: BTreeMap::new(),
            parked: BTreeSet::new(),
            next: 1,
            bytes: 0,
            marks,
            disk: options.disk,
            directory: options.directory,
        };
        for (first, path) in segment_files(&*state.disk, &state.directory)? {
            state.load(first, path)?;
        }
        state.disk.sync_directory(&state.directory)?;
        state.active = state.segments.last_key_value().map(|(first, _)| *first);
        for (id, (sequence, mark)) in said {
            if state
                .slots
                .get(&id)
                .is_some_and(|slot| slot.sequence == sequence)
            {
                state.apply(&id, mark);
            }
        }
        state.compact_marks()?;
        Ok(state)
    }

    fn load(&mut self, first: u64, path: PathBuf) -> io::Result<()> {
        let (slots, waiting, next) = (&mut self.slots, &mut self.waiting, &mut self.next);
        let mut superseded = Vec::new();
        let segment = Segment::open(&*self.disk, path, |header, offset| {
            let slot = Slot {
                sequence: header.sequence,
                segment: first,
                offset,
                bytes: header.frame_bytes(),
                mark: Mark::Pending,
            };
            // A deleted segment may come back after a power cut, and with it an entry that was kept again since.
            if let Some(before) = slots.insert(header.id, slot) {
                waiting.remove(&before.sequence);
                superseded.push(before.segment);
            }
            waiting.insert(header.sequence, header.id);
            *next = (*next).max(header.sequence + 1);
        })?;
        self.next = self.next.max(first);
        self.bytes += segment.bytes;
        self.segments.insert(first, segment);
        for before in superseded {
            if let Some(segment) = self.segments.get_mut(&before) {
                segment.open -= 1;
            }
        }
        Ok(())
    }

    pub(super) fn newest(&self) -> u64 {
        self.next - 1
    }

    pub(super) fn contains(&self, id: &ObservationId) -> bool {
        self.slots.contains_key(id)
    }

    /// Appends entries whose ids are all new: one write, one sync.
    pub(super) fn append(&mut self, entries: Vec<Entry>) -> Result<(), SpoolError> {
        let mut frames = Vec::new();
        let mut placed = Vec::with_capacity(entries.len());
        for (sequence, mut entry) in (self.next..).zip(entries) {
            entry.observation.sequence = sequence;
            let offset = frames.len() as u64;
            let bytes = frame::write(&self.key, sequence, &entry, &mut frames)?;
            placed.push((entry.observation.observation_id, sequence, offset, bytes));
        }
        if self.bytes + frames.len() as u64 > self.max_bytes {
            return Err(SpoolError::Full);
        }
        let first = self.writable(frames.len() as u64)?;
        let Some(segment) = self.segments.get_mut(&first) else {
            return Err(SpoolError::Damaged);
        };
        let start = segment.bytes;
        if let Err(error) = segment.write(&frames) {
            // After a failed sync the kernel may have dropped pages: never trust this file's end again.
            self.active = None;
            self.next += placed.len() as u64;
            self.forget_if_done(first)?;
            return Err(error.into());
        }
        segment.open += placed.len();
        segment.ids.extend(placed.iter().map(|(id, ..)| *id));
        self.bytes += frames.len() as u64;
        for (id, sequence, offset, bytes) in placed {
            let slot = Slot {
                sequence,
                segment: first,
                offset: start + offset,
                bytes,
                mark: Mark::Pending,
            };
            self.slots.insert(id, slot);
            self.waiting.insert(sequence, id);
            self.next = sequence + 1;
        }
        Ok(())
    }

    /// The segment to write to, a new one when the present one is full, failed, or all done and worth leaving.
    fn writable(&mut self, more: u64) -> io::Result<u64> {
        if let Some((first, segment)) = self
            .active
            .and_then(|first| self.segments.get(&first).map(|segment| (first, segment)))
        {
            let full = segment.bytes > 0 && segment.bytes + more > self.segment_bytes;
            let spent = segment.open == 0 && segment.bytes >= LEAVE_BEHIND;
            if !full && !spent {
                return Ok(first);
            }
        }
        let left = self.active.take();
        let first = self.next;
        let segment = Segment::create(&*self.disk, &self.directory, first)?;
        self.segments.insert(first, segment);
        self.active = Some(first);
        if let Some(left) = left {
            self.forget_if_done(left)?;
        }
        Ok(first)
    }

    pub(super) fn mark(&mut self, id: &ObservationId, mark: Mark) -> Result<bool, SpoolError> {
        if !self.apply(id, mark) {
            return Ok(false);
        }
        if let Some((sequence, segment)) =
            self.slots.get(id).map(|slot| (slot.sequence, slot.segment))
        {
            self.marks.note(id, sequence, mark)?;
            self.forget_if_done(segment)?;
        }
        if self.marks.is_long() {
            self.compact_marks()?;
        }
        Ok(true)
    }

    fn apply(&mut self, id: &ObservationId, mark: Mark) -> bool {
        let Some(slot) = self.slots.get_mut(id) else {
            return false;
        };
        if slot.mark == mark || slot.mark == Mark::Done {
            return false;
        }
        slot.mark = mark;
        match mark {
            Mark::Pending => {
                self.waiting.insert(slot.sequence, *id);
                self.parked.remove(id);
            }
            Mark::Parked => {
                self.waiting.remove(&slot.sequence);
                self.parked.insert(*id);
            }
            Mark::Done => {
                self.waiting.remove(&slot.sequence);
                self.parked.remove(id);
                if let Some(segment) = self.segments.get_mut(&slot.segment) {
                    segment.open -= 1;
                }
            }
        }
        true
    }

    /// Deletes a segment that has nothing left to say. The active one stays: its name keeps the sequence.
    fn forget_if_done(&mut self, first: u64) -> io::Result<()> {
        let done = self.active != Some(first)
            && self.segments.len() > 1
            && self
                .segments
                .get(&first)
                .is_some_and(|segment| segment.open == 0);
        if !done {
            return Ok(());
        }
        if let Some(segment) = self.segments.remove(&first) {
            self.bytes -= segment.bytes;
            for id in &segment.ids {
                if self.slots.get(id).is_some_and(|slot| slot.segment == first) {
                    self.slots.remove(id);
                }
            }
            self.disk.remove_file(&segment.path)?;
        }
        Ok(())
    }

    fn compact_marks(&mut self) -> io::Result<()> {
        let finished: Vec<u64> = self.segments.keys().copied().collect();
        for first in finished {
            self.forget_if_done(first)?;
        }
        let mut said: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.mark != Mark::Pending)
            .map(|(id, slot)| (id, slot.sequence, slot.mark))
            .collect();
        said.sort_unstable_by_key(|(_, sequence, _)| *sequence);
        self.marks.rewrite(said.into_iter())
    }

    pub(super) fn pending_after(&self, sequence: u64, limit: usize) -> Vec<Pending> {
        self.waiting
            .range(sequence + 1..)
            .take(limit)
            .map(|(sequence, id)| Pending {
                sequence: *sequence,
                id: *id,
                bytes: self.slots.get(id).map_or(0, |slot| slot.bytes),
            })
            .collect()
    }

    pub(super) fn locate(&self, id: &ObservationId) -> Option<Located> {
        let slot = self.slots.get(id).filter(|slot| slot.mark != Mark::Done)?;
        let segment = self.segments.get(&slot.segment)?;
        Some(Located {
            file: segment.file.clone(),
            key: self.key.clone(),
            id: *id,
            offset: slot.offset,
            bytes: slot.bytes,
        })
    }

    pub(super) fn parked(&self) -> Vec<ObservationId> {
        self.parked.iter().copied().collect()
    }

    pub(super) fn status(&self) -> SpoolStatus {
        SpoolStatus {
            pending: self.waiting.len(),
            parked: self.parked.len(),
            bytes: self.bytes,
        }
    }
}

fn segment_files(disk: &dyn Disk, directory: &std::path::Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for path in disk.list(directory)? {
        let first = path
            .extension()
            .is_some_and(|extension| extension == "log")
            .then(|| path.file_stem()?.to_str()?.parse().ok())
            .flatten();
        if let Some(first) = first {
            files.push((first, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}
