//! The file system's calls, carried out on the folder below, as well as mischief lets them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::mischief::{Course, Mischief};
use crate::view::{Listed, View};

/// The system asks anew each time; how long to believe is the view's.
const ASK_ANEW: Duration = Duration::ZERO;
const FIRST: Generation = Generation(0);

/// The folder as near sees it.
pub(crate) struct Folder {
    mischief: Arc<Mischief>,
    view: Mutex<View>,
    files: Mutex<HashMap<FileHandle, Arc<File>>>,
    listings: Mutex<HashMap<FileHandle, Vec<Listed>>>,
    next: AtomicU64,
}

impl Folder {
    pub(crate) fn new(far: &Path, mischief: Arc<Mischief>) -> Self {
        Self {
            mischief,
            view: Mutex::new(View::new(far)),
            files: Mutex::default(),
            listings: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        held(&self.view)
    }

    fn handle(&self) -> FileHandle {
        FileHandle(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn file(&self, handle: FileHandle) -> Result<Arc<File>, Errno> {
        let file = held(&self.files).get(&handle).cloned();
        file.ok_or(Errno::EBADF)
    }

    fn hold(&self, file: File) -> FileHandle {
        let handle = self.handle();
        held(&self.files).insert(handle, Arc::new(file));
        handle
    }

    /// Carries a change out, or says that it was not, or carries it out and says that it was not.
    fn change<T>(
        &self,
        call: &'static str,
        change: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match self.mischief.changing(call) {
            Course::Well => change(),
            Course::Refused(errno) => Err(errno),
            Course::Unheard(errno) => change().and(Err(errno)),
        }
    }

    fn found(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        self.mischief.looking("lookup")?;
        let lag = self.mischief.lag();
        self.view().lookup(parent, name, lag)
    }

    fn known(&self, node: INodeNo) -> Result<FileAttr, Errno> {
        self.mischief.looking("getattr")?;
        let lag = self.mischief.lag();
        self.view().attributes(node, lag)
    }

    fn opened(&self, node: INodeNo, flags: OpenFlags) -> Result<FileHandle, Errno> {
        let lag = self.mischief.lag();
        let far = self.view().far(node)?;
        self.mischief.opening(&far)?;
        // What is opened is looked at anew, as clients of shares do.
        self.view().refresh(node, lag)?;
        let mode = flags.acc_mode();
        let file = OpenOptions::new()
            .read(mode != OpenAccMode::O_WRONLY)
            .write(mode != OpenAccMode::O_RDONLY)
            .open(far)?;
        Ok(self.hold(file))
    }

    fn created(
        &self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
    ) -> Result<(FileAttr, FileHandle), Errno> {
        let far = self.view().far_child(parent, name)?;
        let file = self.change("create", || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(mode);
            Ok(options.open(far)?)
        })?;
        let lag = self.mischief.lag();
        let mut view = self.view();
        view.forget(parent, name)?;
        let attributes = view.lookup(parent, name, lag)?;
        Ok((attributes, self.hold(file)))
    }

    fn made(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let far = self.view().far_child(parent, name)?;
        self.change("mkdir", || Ok(fs::create_dir(far)?))?;
        let lag = self.mischief.lag();
        let mut view = self.view();
        view.forget(parent, name)?;
        view.lookup(parent, name, lag)
    }

    fn removed(&self, parent: INodeNo, name: &OsStr) -> Result<(), Errno> {
        let far = self.view().far_child(parent, name)?;
        self.change("unlink", || Ok(fs::remove_file(far)?))?;
        self.view().forget(parent, name)
    }

    fn renamed(
        &self,
        (parent, name): (INodeNo, &OsStr),
        (new_parent, new_name): (INodeNo, &OsStr),
    ) -> Result<(), Errno> {
        // A slow server, not a condition.
        std::thread::sleep(self.mischief.slowness());
        let (from, to) = {
            let view = self.view();
            let from = view.path(parent)?.join(name);
            (from, view.path(new_parent)?.join(new_name))
        };
        let far_from = self.view().far_child(parent, name)?;
        let far_to = self.view().far_child(new_parent, new_name)?;
        self.change("rename", || {
            fs::rename(far_from, far_to)?;
            self.mischief.renamed(to.clone());
            self.view().moved(&from, &to);
            Ok(())
        })
    }

    fn resized(
        &self,
        node: INodeNo,
        size: Option<u64>,
        handle: Option<FileHandle>,
    ) -> Result<FileAttr, Errno> {
        if let Some(size) = size {
            match handle {
                Some(handle) => self.file(handle)?.set_len(size)?,
                None => {
                    let far = self.view().far(node)?;
                    OpenOptions::new().write(true).open(far)?.set_len(size)?;
                }
            }
        }
        let lag = self.mischief.lag();
        self.view().refresh(node, lag)
    }

    fn pieces(&self, handle: FileHandle, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
        self.mischief.looking("read")?;
        let file = self.file(handle)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    fn listed(&self, folder: INodeNo) -> Result<FileHandle, Errno> {
        self.mischief.looking("opendir")?;
        let lag = self.mischief.lag();
        let listing = self.view().listing(folder, lag)?;
        let handle = self.handle();
        held(&self.listings).insert(handle, listing);
        Ok(handle)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn done(result: Result<(), Errno>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

fn entry(result: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match result {
        Ok(attributes) => reply.entry(&ASK_ANEW, &attributes, FIRST),
        Err(errno) => reply.error(errno),
    }
}

fn attributes(result: Result<FileAttr, Errno>, reply: ReplyAttr) {
    match result {
        Ok(attributes) => reply.attr(&ASK_ANEW, &attributes),
        Err(errno) => reply.error(errno),
    }
}

impl Filesystem for Folder {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(self.found(parent, name), reply);
    }

    fn getattr(&self, _: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        attributes(self.known(node), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        node: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        attributes(self.resized(node, size, handle), reply);
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        entry(self.made(parent, name), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.removed(parent, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        // Old shares know one kind of rename.
        let renamed = match flags.is_empty() {
            true => self.renamed((parent, name), (new_parent, new_name)),
            false => Err(Errno::EINVAL),
        };
        done(renamed, reply);
    }

    fn open(&self, _: &Request, node: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.opened(node, flags) {
            Ok(handle) => reply.opened(handle, FopenFlags::FOPEN_DIRECT_IO),
            Err(errno) => reply.error(errno),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.created(parent, name, mode) {
            Ok((attributes, handle)) => reply.created(
                &ASK_ANEW,
                &attributes,
                FIRST,
                handle,
                FopenFlags::FOPEN_DIRECT_IO,
            ),
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.pieces(handle, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(errno) => reply.error(errno),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self
            .file(handle)
            .and_then(|file| self.change("write", || Ok(file.write_all_at(bytes, offset)?)));
        match written {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or_default()),
            Err(errno) => reply.error(errno),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self
            .file(handle)
            .and_then(|file| self.change("fsync", || Ok(file.sync_all()?)));
        done(synced, reply);
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        held(&self.files).remove(&handle);
        reply.ok();
    }

    fn opendir(&self, _: &Request, folder: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.listed(folder) {
            Ok(handle) => reply.opened(handle, FopenFlags::empty()),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        if let Err(errno) = self.mischief.looking("readdir") {
            reply.error(errno);
            return;
        }
        let listings = held(&self.listings);
        let listing = listings.get(&handle).map_or(&[][..], Vec::as_slice);
        let rest = usize::try_from(offset).unwrap_or(usize::MAX);
        for (listed, next) in listing.iter().zip(1..).skip(rest) {
            // Which node it is, nobody asks a listing.
            if reply.add(INodeNo(u64::MAX), next, listed.kind, &listed.name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        held(&self.listings).remove(&handle);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }
}
