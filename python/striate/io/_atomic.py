"""Files that are either wholly written or not touched."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing; what was there before stays until the block has ended without error.

    The bytes go to a temporary file in the same folder, which takes the old file's place (and its
    permissions) once it is safely on the disk, and is removed if anything fails. A symbolic link
    stays a link: the file that it leads to is replaced.
    """
    target = os.path.realpath(path)
    mode = _replaceable_mode(target)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".striate-{secrets.token_hex(8)}.tmp")
    try:
        # 0o666 less the umask, as open() would do it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _replaceable_mode(target: str) -> int | None:
    """The permissions of the file at `target`, None if there is no file."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(status.st_mode):  # replacing a device or a pipe would destroy it
        raise OSError(errno.EINVAL, "not a regular file", target)
    if not os.access(target, os.W_OK):  # a file made read-only is meant to be kept
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)
    return stat.S_IMODE(status.st_mode)


def _sync_folder(folder: str) -> None:
    """Bring the new name to the disk; some file systems cannot, and the file is complete anyway."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
