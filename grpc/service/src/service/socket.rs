//! The admin socket. Access to the file gives full access to the service, so only its owner may open it.

use rustix::fs::{Mode, fchmod};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket};

/// The socket's file; removed on drop.
pub struct SocketFile(PathBuf);

/// Listens at a path with permissions 0600. Replaces the stale socket of a killed service.
pub fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    let socket = UnixSocket::new_stream()?;
    // Set before `bind` creates the file, so that others can never open it.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(path)?;
    Ok((socket.listen(16)?, SocketFile(path.to_owned())))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(why) = fs::remove_file(&self.0) {
            tracing::debug!(%why, "the admin socket's file");
        }
    }
}
