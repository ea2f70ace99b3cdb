"""Speaks the git protocol through dulwich: what refs there are, and the pack of one commit.

Called by git_servers in a thread, imported only there: dulwich is not for operators that use no git. dulwich knows the
protocol; connections, limits and errors are ours, and no program is run. What comes is a pack on disk, unread.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import requests
from dulwich.client import AbstractHttpGitClient, TraditionalGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository

from packhouse.adapters.git_urls import GitUrl
from packhouse.adapters.network import MayPass, Network
from packhouse.api.errors import FetchLimitExceeded, SourceUnreachable
from packhouse.ports import Credentials

_REFS_MOST_BYTES: Final = 16 * 1024 * 1024
_PREFIXES: Final = (b"HEAD", b"refs/heads/", b"refs/tags/")
_PEELED: Final = b"^{}"
#: What dulwich raises where the other side says what it should not.
FOREIGN: Final = (
    GitProtocolError,
    HangupException,
    NotGitRepository,
    AssertionError,
    LookupError,
    TypeError,
    UnicodeError,
    ValueError,
)


class Counted:
    """The bytes that came for one question: those of the refs have a bound of their own."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._most = _REFS_MOST_BYTES
        self._setting = "the list of its refs"
        self._size = 0

    def expect_pack(self, most: int) -> None:
        """What comes from here on is a pack, and what is said beside it."""
        self._most = self._size + most + _REFS_MOST_BYTES
        self._setting = "PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES"

    def add(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > self._most:
            raise FetchLimitExceeded(
                f"{self._subject}: the git server sent more than {self._most} bytes ({self._setting})"
            )
        return data


class HttpClient(AbstractHttpGitClient):
    """Over a Network. Credentials go to the host of the url and to no other."""

    def __init__(self, call: Network, url: GitUrl, person: Credentials | None, counted: Counted) -> None:
        super().__init__(str(url), thin_packs=False, quiet=True)
        self._call = call
        self._origin = url.origin
        self._person = person
        self._counted = counted

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,
    ) -> tuple[Any, Callable[[int], bytes]]:
        self._call.check()
        method = "GET" if data is None else "POST"
        sent = dict(headers or {}) | (self._authorization() if _origin(url) == self._origin else {})
        with self._call.guarded():
            response = self._call.send(method, url, sent, data)
        if response.status_code != 200:
            response.close()
            raise self._call.unwelcome(response, method)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise self._call.failed("it packs its answer in a way that was not asked for")
        return _Answer(response, url), self._reader(response)

    def _authorization(self) -> dict[str, str]:
        if self._person is None:
            return {}
        if self._person.token:
            return {"Authorization": f"Bearer {self._person.token}"}
        pair = f"{self._person.username}:{self._person.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _reader(self, response: requests.Response) -> Callable[[int], bytes]:
        def read(size: int = 65536) -> bytes:
            with self._call.guarded():
                data: bytes = response.raw.read(size, decode_content=False)
            self._call.check()
            self._call.received += len(data)
            return self._counted.add(data)

        return read

    def _discover_references(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._discover_references(*args, **kwargs)
        if self.dumb:
            raise self._call.failed("it serves plain files, and no git protocol (smart http) as git http-backend does")
        return found


class _Answer:
    """What dulwich looks at of a response."""

    def __init__(self, response: requests.Response, asked: str) -> None:
        self._response = response
        self.status = response.status_code
        self.content_type = response.headers.get("Content-Type")
        self.redirect_location = response.url if response.url != asked else ""

    def close(self) -> None:
        self._response.close()


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class Nothing:
    """The part of a history that we have: none."""

    shallow = None

    def __next__(self) -> None:
        return None

    def ack(self, _: bytes) -> None:
        """Never: we have nothing in common."""

    def nak(self) -> None:
        """As expected."""


class Talk:
    """One repository, one person. `make` gives a fresh client for each question: it knows the repository."""

    def __init__(
        self,
        call: Network,
        make: Callable[[Counted], AbstractHttpGitClient | TraditionalGitClient],
        pack_most_bytes: int,
    ) -> None:
        self._call = call
        self._make = make
        self._pack_most_bytes = pack_most_bytes

    def refs(self) -> Mapping[str, str]:
        """Name -> commit, tags peeled. Errors: FetchFailed, FetchLimitExceeded, those of Network."""
        return self._call.attempts(self._refs)

    def _refs(self) -> Mapping[str, str]:
        client = self._make(Counted(self._call.subject))
        try:
            result = client.get_refs("", ref_prefix=_PREFIXES)  # type: ignore[arg-type]  # its own type for http
        except FOREIGN as error:
            raise self._meaning(error) from error
        finally:
            client.close()
        self._check_format(result.object_format)
        return _peeled(result.refs)

    def pack(self, commit: str, ref: str, depth: int, target: BinaryIO) -> None:
        """Write a pack that holds `commit` to `target`: that commit alone where the server gives it out.

        Else the whole history of `ref`, or of all refs. Whether it holds the commit is for the caller to see.
        """
        try:
            self._call.attempts(lambda: self._pack(lambda _: [commit.encode()], ref, max(depth, 1), target))
        except _Refused:
            self._call.attempts(lambda: self._pack(lambda refs: _tips(refs, ref), ref, None, target))

    def _pack(
        self, wants: Callable[[Mapping[bytes, bytes]], list[bytes]], ref: str, depth: int | None, target: BinaryIO
    ) -> None:
        target.seek(0)
        target.truncate()
        counted = Counted(self._call.subject)
        size = 0

        def take(data: bytes) -> int:
            nonlocal size
            size += len(data)
            if size > self._pack_most_bytes:
                raise FetchLimitExceeded(
                    f"{self._call.subject}: the pack has more than {self._pack_most_bytes} bytes "
                    "(PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES)"
                )
            return target.write(data)

        def chosen(refs: Mapping[bytes, bytes], depth: int | None = None) -> list[bytes]:
            counted.expect_pack(self._pack_most_bytes)
            return wants(refs)

        client = self._make(counted)
        prefixes = [ref.encode()] if ref else _PREFIXES
        try:
            result = client.fetch_pack(
                "",
                chosen,  # type: ignore[arg-type]
                Nothing(),
                take,
                depth=depth,
                ref_prefix=prefixes,
            )
        except FOREIGN as error:
            if depth is not None and isinstance(error, GitProtocolError | HangupException):
                raise _Refused from error
            raise self._meaning(error) from error
        finally:
            client.close()
        self._check_format(result.object_format)
        if not size:
            raise _Refused if depth is not None else self._call.failed("it sent no pack")

    def _check_format(self, object_format: str | None) -> None:
        if object_format not in (None, "sha1"):
            raise self._call.failed(f"the repository names its objects by {str(object_format)[:20]!r}: sha1 is read")

    def _meaning(self, error: Exception) -> Exception:
        """Ours for one of FOREIGN, without the words of the other side."""
        if isinstance(error, HangupException):
            return MayPass(self._call.failed("it broke off in the middle of an answer", kind=SourceUnreachable))
        if isinstance(error, GitProtocolError):
            return self._call.failed("it ended the conversation with an error, or does not keep to the git protocol")
        return self._call.failed("it does not keep to the git protocol")


class _Refused(Exception):
    """The server gives out no bare commits, or no part of a history."""


def _tips(refs: Mapping[bytes, bytes], ref: str) -> list[bytes]:
    name = ref.encode()
    if name in refs:
        return [refs[name]]
    return sorted({id_ for key, id_ in refs.items() if not key.endswith(_PEELED)})


def _peeled(refs: Mapping[Any, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    peeled: dict[str, str] = {}
    for name, id_ in refs.items():
        if id_ is None or len(id_) != 40 or not set(id_) <= set(b"0123456789abcdef"):
            continue
        try:
            text = name.decode()
        except UnicodeDecodeError:
            continue
        if text.endswith(_PEELED.decode()):
            peeled[text.removesuffix(_PEELED.decode())] = id_.decode()
        elif text == "HEAD" or text.startswith(("refs/heads/", "refs/tags/")):
            found[text] = id_.decode()
    return found | {name: id_ for name, id_ in peeled.items() if name in found}
