"""The work of one call to a git server: as whom it is asked, the pack, the files, the submodules.

Called by git_servers in a thread. It knows no cache: it fills a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from packhouse.adapters.git_pack import Pack, PackLimits
from packhouse.adapters.git_submodules import LEVELS_MOST, MODULES_MOST, access_for, submodule_urls
from packhouse.adapters.git_trees import commit_of, write_files
from packhouse.adapters.git_urls import GitUrl
from packhouse.adapters.network import Network
from packhouse.api.errors import AuthenticationFailed, FetchFailed, FetchLimitExceeded, SourceNotFound
from packhouse.fetch.unpack import Limits, Record, Unpacker
from packhouse.ports import Credentials, GitAccess
from packhouse.settings import Settings

if TYPE_CHECKING:
    from packhouse.adapters.git_client import Talk

_OBJECTS_PER_FILE: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """A commit of a repository. `ref` is the full name of one that leads there, or ""."""

    url: GitUrl
    commit: str
    access: GitAccess
    ref: str = ""
    depth: int = 0
    submodules: bool = False
    below: str = ""  # the folder that it lands in
    level: int = 0

    @property
    def subject(self) -> str:
        return f"{self.url}@{self.commit}"


def server_of(url: GitUrl) -> str:
    return f"git server {url.place}"


def refs_of(call: Network, url: GitUrl, access: GitAccess) -> Mapping[str, str]:
    return _as_each(call, url, access, 0, lambda talk: talk.refs())[0]


class Checkout:
    """Use once. `place` is a folder for what comes, beside the target."""

    def __init__(self, call: Network, settings: Settings, place: Path, target: Path) -> None:
        self._call = call
        self._settings = settings
        self._place = place
        self._target = target
        self._unpacker = Unpacker(
            target, Limits(settings.bundle_unpacked_most_bytes, settings.bundle_files_most), call.check
        )
        self._left = settings.bundle_compressed_most_bytes

    def fill(self, wish: Wish) -> tuple[list[Record], Credentials | None]:
        """What lies in the target now, and as whom the repository (not its submodules) was read."""
        self._unpacker.begin()
        waiting, person, count = [wish], None, 0
        while waiting:
            one = waiting.pop()
            used, more = self._one(one)
            if one is wish:
                person = used
            count += len(more)
            if count > MODULES_MOST or (more and one.level >= LEVELS_MOST):
                raise FetchLimitExceeded(
                    f"it has more than {MODULES_MOST} submodules, or more than {LEVELS_MOST} levels of them"
                )
            waiting += more
        return self._unpacker.finish(), person

    def _one(self, wish: Wish) -> tuple[Credentials | None, list[Wish]]:
        self._call.who = server_of(wish.url)
        with (self._place / "pack").open("w+b") as file:
            _, person = _as_each(
                self._call,
                wish.url,
                wish.access,
                self._left,
                lambda talk: talk.pack(wish.commit, wish.ref, wish.depth, file),
            )
            file.flush()
            self._left -= file.tell()
            with Pack(file, self._limits, self._call.check) as pack:
                if wish.commit not in pack:
                    raise SourceNotFound(
                        f"{self._call.subject}: {self._call.who}: the repository has no commit {wish.commit} "
                        f"that {wish.ref or 'a branch or a tag'} leads to"
                    )
                modules = write_files(
                    pack, commit_of(pack, wish.commit), self._unpacker, below=wish.below, check=self._call.check
                )
        if not wish.submodules:
            return person, []
        urls = submodule_urls(self._target / wish.below, wish.url, modules, wish.below)
        return person, [
            Wish(
                url,
                module.commit,
                access_for(url, wish.url, wish.access),
                submodules=True,
                below=module.path,
                level=wish.level + 1,
            )
            for module, url in urls
        ]

    @property
    def _limits(self) -> PackLimits:
        return PackLimits(
            objects_most=_OBJECTS_PER_FILE * self._settings.bundle_files_most,
            object_most_bytes=self._settings.content_most_bytes,
            unpacked_most_bytes=self._settings.bundle_unpacked_most_bytes,
        )


def _as_each(
    call: Network, url: GitUrl, access: GitAccess, pack_most_bytes: int, work: Callable[[Talk], T]
) -> tuple[T, Credentials | None]:
    """The answer, and as whom it was given. By http each of the credentials is tried, in their order."""
    if url.scheme == "ssh":
        return work(_ssh(call, url, access, pack_most_bytes)), None
    persons: list[Credentials | None] = [*access.access.credentials] or [None]
    for person in persons[:-1]:
        try:
            return work(_http(call, url, person, pack_most_bytes)), person
        except AuthenticationFailed:
            continue
    return work(_http(call, url, persons[-1], pack_most_bytes)), persons[-1]


def _http(call: Network, url: GitUrl, person: Credentials | None, pack_most_bytes: int) -> Talk:
    from packhouse.adapters.git_client import HttpClient, Talk  # dulwich: only where git is used

    return Talk(call, lambda counted: HttpClient(call, url, person, counted), pack_most_bytes)


def _ssh(call: Network, url: GitUrl, access: GitAccess, pack_most_bytes: int) -> Talk:
    try:
        from packhouse.adapters.git_client import Talk
        from packhouse.adapters.git_ssh import SshClient
    except ImportError as error:
        raise FetchFailed(f"{call.subject}: git over ssh needs paramiko, which is not installed") from error
    return Talk(call, lambda counted: SshClient(call, url, access, counted), pack_most_bytes)
