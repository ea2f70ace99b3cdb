"""Puts the files of a bundle into a folder, as `packhouse bundle pull` does."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from packhouse.adapters.contents import Contents, unpack
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.domain.images_lock import LOCK_FILE, ImagesLock, locations_tag, read_lock
from packhouse.domain.references import ImageReference
from packhouse.settings import Settings

_LOCK_MOST_BYTES = 8 * 1024 * 1024


def pull_into(folder: Path, source: Contents, home: ImageReference | None, digest: str, settings: Settings) -> bool:
    """Whether its lock was changed to name the images beside it. `folder` is new or empty, and stays so on errors.

    A folder that is there is kept, with what it is: somebody may stand in it, or it is a volume.

    Errors: InvalidSpec (the folder), those of Contents.
    """
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise InvalidSpec(f"{folder} is there and no empty folder: name a new one")
        is_there = folder.exists()
        place = (folder if is_there else folder.parent) / f".packhouse-{secrets.token_hex(4)}"
        place.mkdir(parents=True)
        try:
            records = unpack(source, digest, place, settings, lambda: None)
            for record in records:  # the user may change what is his
                if not record.link:
                    path = place / record.path
                    path.chmod(path.stat().st_mode | 0o200)
            moved = _relocated(place / LOCK_FILE, source, home, digest)
            if is_there:
                for path in list(place.iterdir()):
                    path.rename(folder / path.name)
            else:
                place.rename(folder)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise FetchFailed(f"{folder} cannot be written ({error.strerror})") from error
    return moved


def _relocated(path: Path, source: Contents, home: ImageReference | None, digest: str) -> bool:
    if home is None or not isinstance(source, Repository) or path.is_symlink() or not path.is_file():
        return False
    if path.stat().st_size > _LOCK_MOST_BYTES:
        return False
    lock = read_lock(path.read_bytes())
    if lock is None or lock.is_within(home.repository) or not _all_beside(lock, source, digest):
        return False
    path.write_bytes(lock.moved_to(home.repository))
    return True


def _all_beside(lock: ImagesLock, source: Repository, digest: str) -> bool:
    """A copy says so; else each image is asked for."""
    if source.digest_of(locations_tag(digest)) is not None:
        return True
    return all(source.digest_of(one) is not None for one in lock.digests)
