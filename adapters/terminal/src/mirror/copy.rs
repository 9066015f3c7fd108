//! One copy into a program's folder.

use std::io::{self, Read};
use std::path::Path;

use shikaku_disk::{Disk, How, Reader, Writer};

use super::Target;
use super::waiting::{Address, hidden};

/// Under a temporary name first, never over another file; the very same file already there is fine.
pub(super) fn copy(
    disk: &dyn Disk,
    target: &Target,
    address: &Address,
    source: &mut dyn Read,
) -> io::Result<()> {
    let folder = target.folder(address.folder);
    let temporary = folder.join(hidden(&address.name, target.writer));
    let file = disk.open(&temporary, How::Fresh)?;
    let copied = io::copy(source, &mut Writer::new(file.clone()));
    if let Err(error) = copied.and_then(|_| file.sync()) {
        let _ = disk.remove_file(&temporary);
        return Err(error);
    }
    let visible = folder.join(&address.name);
    match disk.rename_new(&temporary, &visible) {
        Ok(()) => Ok(()),
        Err(error) => {
            let same = error.kind() == io::ErrorKind::AlreadyExists
                && is_same(read_from(disk, &temporary)?, read_from(disk, &visible)?)?;
            disk.remove_file(&temporary)?;
            if same { Ok(()) } else { Err(error) }
        }
    }
}

fn read_from(disk: &dyn Disk, path: &Path) -> io::Result<Reader> {
    Ok(Reader::new(disk.open(path, How::Read)?, 0))
}

fn is_same(mut one: Reader, mut other: Reader) -> io::Result<bool> {
    loop {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        one.by_ref().take(1 << 20).read_to_end(&mut left)?;
        other.by_ref().take(1 << 20).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}
