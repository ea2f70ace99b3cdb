"""What a fetch step is given, and what it gives back.

`Sources` comes from reconcile/, which knows in whose name Secrets are read; `Content` goes to it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packhouse.api.errors import FetchFailed, FetchLimitExceeded, InvalidSpec, UnsupportedStep
from packhouse.fetch.credentials import Keyring
from packhouse.fetch.remembered import Remembered
from packhouse.ports import Downloads, GitServers, Json, Proxy, Registry, Signatures, TrustPolicy


@dataclass(frozen=True, slots=True)
class Origins:
    """Where content comes from: one door for each kind of server. `remembered`: what the steps asked and keep."""

    registry: Registry
    downloads: Downloads
    git: GitServers
    signatures: Signatures
    remembered: Remembered = field(default_factory=Remembered)


async def _no_secrets() -> Sequence[Keyring]:
    return ()


@dataclass(frozen=True, slots=True)
class Sources:
    """`secret` and `config_map` read an object by its name, or raise SecretMissing."""

    origins: Origins
    secret: Callable[[str], Awaitable[Json]]
    config_map: Callable[[str], Awaitable[Json]]
    place: str  # the namespace that names resolve in, for messages
    content_most_bytes: int  # of all files that are read into memory
    pull_secrets: Callable[[], Awaitable[Sequence[Keyring]]] = _no_secrets  # tried after a step's own
    fresh_seconds: float = 0.0  # how old an answer of a source may be
    ca_pem: str = ""  # of the repository
    proxy: Proxy | None = None  # of the repository
    policy: Callable[[str], TrustPolicy | None] = lambda repository: None  # who must have signed what is in host/path
    mirror: Callable[[str], str] = lambda repository: repository  # where host/path is read from instead


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one step stands for now."""

    digest: str
    version: str | None = None  # the tag or version that was chosen, where there is one
    source: str = ""  # the reference or address, as status shows it
    verified_by: str = ""  # whose signature was found good
    kind: str = ""  # the word of the step, set by resolve_all


@dataclass(frozen=True, slots=True)
class Content:
    """What one step fetched: a folder of the cache, and files in memory, which hide those of the folder.

    `relocated`: where the images of a bundle's lock lie in the bundle's own repository, what each of them was called
    (the reference in the lock, its original name) -> its reference there.
    """

    digest: str
    version: str | None = None
    root: Path | None = None
    inline: Mapping[str, bytes] = field(default_factory=dict)
    relocated: Mapping[str, str] = field(default_factory=dict)

    def read(self, wanted: Callable[[str], bool], most_bytes: int) -> dict[str, bytes]:
        """Path -> content, sorted. Blocks. Errors: FetchLimitExceeded, FetchFailed (the tree is gone)."""
        files: dict[str, bytes] = {}
        room = most_bytes
        try:
            for path, size, load in self._walk():
                if not wanted(path):
                    continue
                room -= size
                if room < 0:
                    raise FetchLimitExceeded(
                        f"the fetched files have more than {most_bytes} bytes (PACKHOUSE_CONTENT_MOST_BYTES)"
                    )
                files[path] = load()
        except OSError as error:
            raise FetchFailed(f"the fetched tree {self.digest} cannot be read ({error.strerror})") from error
        return dict(sorted(files.items()))

    def _walk(self) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
        for path, content in self.inline.items():
            yield path, len(content), lambda content=content: content  # type: ignore[misc]
        if self.root is None:
            return
        # unpacking saw to it that no link leads out of the tree; links to folders are not walked through
        for place, _, names in os.walk(self.root, onerror=_raise):
            for name in names:
                file = Path(place) / name
                path = file.relative_to(self.root).as_posix()
                if file.is_file() and path not in self.inline:
                    yield path, file.stat().st_size, file.read_bytes


@dataclass(frozen=True, slots=True)
class Fetcher:
    """One kind of source. Both take the step's own stanza (the value below its key).

    `resolve` says what it stands for now, and downloads no content where the kind of source can tell without.
    `fetch` gets exactly that; where the cache holds it and this access was given it before, without a request.
    """

    resolve: Callable[[Json, Sources], Awaitable[Resolved]]
    fetch: Callable[[Json, Sources, Resolved], Awaitable[Content]]


def check_fields(stanza: Json, kind: str, known: Sequence[str]) -> None:
    """UnsupportedStep for a field that this version does not carry out: ignoring it would fetch something else."""
    unknown = sorted(set(stanza) - set(known))
    if unknown:
        raise UnsupportedStep(
            f"fetch step {kind}: {', '.join(unknown)} is not supported by this version; it knows {', '.join(known)}"
        )


def text_field(stanza: Json, kind: str, name: str) -> str:
    value = stanza.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidSpec(f"fetch step {kind}: {name} must be a text that is not empty")
    return value


def combined_digest(digests: Sequence[str]) -> str:
    """One digest stands for itself; several are hashed in their order."""
    if len(digests) == 1:
        return digests[0]
    return f"sha256:{hashlib.sha256(chr(10).join(digests).encode()).hexdigest()}"


def matcher(patterns: Sequence[str] | None) -> Callable[[str], bool]:
    """Globs over whole paths: * and ? stay within one folder, ** spans folders; None takes everything."""
    if patterns is None:
        return lambda _: True
    compiled = re.compile("|".join(_glob(pattern) for pattern in patterns) or r"(?!)")
    return lambda path: compiled.fullmatch(path) is not None


def _glob(pattern: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))


def _raise(error: OSError) -> None:
    raise error
