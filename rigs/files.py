"""Files that are either whole or not there."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rigs.errors import UserError


def make_folder(folder: Path) -> Path:
    """Make ``folder`` and its parents; raises UserError if a file stands there or it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(
            f"{folder} should be a folder, but there is a file on that path; move the file away."
        ) from None
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made ({error.strerror or error}); "
            "check the disk and its permissions."
        ) from None
    return folder


def sync_folder(folder: Path) -> None:
    """Put ``folder``'s list of names on disk: a rename is lost with the power before this."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that at every moment it is there whole or not at all.

    Raises UserError if it cannot be written, and leaves nothing behind.
    """
    temporary: Path | None = None
    try:
        # In the same folder, because a rename is atomic only within one file system.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's files are private
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror or error}); nothing of it was kept: "
            "make room or mend the disk, then run the same command again."
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what writers that were killed left in ``folder``."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def only_one(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold ``folder`` against other processes; raises UserError if it is held and not ``wait``.

    The system drops the lock when its process ends, however it ends, so none is ever left over.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # there is none on Windows

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UserError(
                f"Another session is capturing into {folder}; wait until it is done."
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)
