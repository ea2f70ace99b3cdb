"""Downloads one file by http: conditional where an earlier answer is known, resumed where the connection broke.

Called by http_downloads in a thread. What comes is written to a file, counted and hashed; nothing is unpacked here.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from packhouse.adapters.network import MayPass, Network
from packhouse.api.errors import AuthenticationFailed, FetchLimitExceeded, InvalidSpec
from packhouse.ports import Credentials

_RANGE: Final = re.compile(r"bytes (\d{1,19})-\d{1,19}/(?:\d{1,19}|\*)")
_VALIDATOR_MOST: Final = 1024
_NAME_MOST: Final = 255
_AT_REST_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Known:
    """What a server said of a file when it sent it: enough to ask whether it is still the same."""

    digest: str
    etag: str = ""
    modified: str = ""

    @property
    def headers(self) -> dict[str, str]:
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modified} if self.modified else {}

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Known | None:
        """None for what `to_text` did not write."""
        try:
            fields = json.loads(text)
            values = [fields.get(name, "") for name in ("digest", "etag", "modified")]
        except (ValueError, AttributeError):
            return None
        return cls(*values) if all(isinstance(value, str) for value in values) and values[0] else None


def check_url(url: str) -> None:
    """Raises InvalidSpec for what is no address of a file by http or https."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise InvalidSpec("the url of a download cannot be read") from None
    if not usable or url.startswith("-") or re.search(r"[\s\x00-\x1f]", url):
        raise InvalidSpec("the url of a download must begin with https:// or http://, name a host and hold no blanks")
    if parts.username is not None or parts.password is not None:
        raise InvalidSpec(
            f"the url of a download from {parts.hostname} names a user: put name and password into a Secret (secretRef)"
        )


def shown(url: str) -> str:
    """`url` for messages: without a query, which may hold a signature."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def file_name(url: str) -> str:
    """The last part of the path; "content" where that is no name of a file."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    usable = name not in ("", ".", "..") and "/" not in name and name.isprintable()
    return name if usable and len(name.encode()) <= _NAME_MOST else "content"


class Download:
    """One file, in one call. `most_bytes` and `setting`: how large it may be, and what says so."""

    def __init__(self, call: Network, url: str, target: BinaryIO, most_bytes: int, setting: str) -> None:
        self._call = call
        self._url = url
        self._target = target
        self._most_bytes = most_bytes
        self._setting = setting
        self._size = 0
        self._hashed = hashlib.sha256()
        self._etag = ""
        self._modified = ""
        self.used: Credentials | None = None  # as whom the server let us in

    def get(self, known: Known | None) -> Known | None:
        """None where the server says that it is still what is known. Each of the credentials is tried in its order."""
        persons: list[Credentials | None] = [*self._call.access.credentials] or [None]
        for number, person in enumerate(persons):
            self.used = person
            try:
                return self._call.attempts(lambda: self._once(known), progress=lambda: self._size)
            except AuthenticationFailed:
                if number == len(persons) - 1:
                    raise
        raise AssertionError  # there is one at least

    def _once(self, known: Known | None) -> Known | None:
        headers = _authorization(self.used)
        # only a strong validator says that the rest belongs to the beginning
        resumed = self._size > 0 and self._etag.startswith('"')
        if resumed:
            headers |= {"Range": f"bytes={self._size}-", "If-Range": self._etag}
        elif known is not None:
            headers |= known.headers
        accepted = (200, 206, 416) if resumed else (200, 304) if known is not None and known.headers else (200,)
        with self._call.answer("GET", self._url, accepted=accepted, headers=headers) as response:
            if response.status_code == 304:
                return None
            self._begin(response)
            for chunk in self._chunks(response):
                self._target.write(chunk)
                self._hashed.update(chunk)
        return Known(f"sha256:{self._hashed.hexdigest()}", self._etag, self._modified)

    def _begin(self, response: requests.Response) -> None:
        """Go on where the last answer broke off, or begin anew."""
        if response.status_code == 206:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is not None and int(match[1]) == self._size:
                self._check(response, self._size)
                return
        self._size = 0
        self._hashed = hashlib.sha256()
        self._target.seek(0)
        self._target.truncate()
        if response.status_code != 200:
            self._etag = ""
            raise MayPass(self._call.failed("it sent another part than it was asked for"))
        self._etag = _validator(response, "ETag")
        self._modified = _last_modified(response)
        self._check(response, 0)

    def _check(self, response: requests.Response, before: int) -> None:
        announced = response.headers.get("Content-Length", "")
        if re.fullmatch(r"\d{1,19}", announced) and before + int(announced) > self._most_bytes:
            raise self._too_large(f"{before + int(announced)} bytes")

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        for chunk in self._call.chunks(response):
            self._size += len(chunk)
            if self._size > self._most_bytes:
                raise self._too_large(f"more than {self._most_bytes} bytes")
            yield chunk

    def _too_large(self, size: str) -> FetchLimitExceeded:
        return FetchLimitExceeded(
            f"{self._call.subject}: the file has {size}: at most {self._most_bytes} are fetched ({self._setting})"
        )


def _authorization(person: Credentials | None) -> dict[str, str]:
    """requests takes it off where a redirect leads to another host."""
    if person is None:
        return {}
    if person.token:
        return {"Authorization": f"Bearer {person.token}"}
    pair = f"{person.username}:{person.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _last_modified(response: requests.Response) -> str:
    """Only of a file that was at rest: one that changed in this second may change in it again, unseen."""
    text = _validator(response, "Last-Modified")
    try:
        changed, sent = (
            email.utils.parsedate_to_datetime(value).timestamp() for value in (text, _validator(response, "Date"))
        )
    except (ValueError, TypeError, OverflowError):
        return ""
    return text if sent - changed >= _AT_REST_SECONDS else ""


def _validator(response: requests.Response, name: str) -> str:
    value = response.headers.get(name, "")
    with contextlib.suppress(UnicodeEncodeError):
        value.encode("ascii")
        return value if len(value) <= _VALIDATOR_MOST and value.isprintable() else ""
    return ""
