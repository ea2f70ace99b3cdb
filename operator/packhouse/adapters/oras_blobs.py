"""Blobs of a registry: a large one into a file, going on where it broke off; a small one into memory.

Called by oras_pull and oras_registry, in a thread. Nothing is given out that has not the digest that was asked for.
"""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO, Final

from packhouse.adapters.network import MayPass
from packhouse.adapters.oras_conversation import Answer, Conversation
from packhouse.api.errors import DigestMismatch, FetchLimitExceeded, SourceUnreachable

_BEGINS: Final = re.compile(r"bytes ([0-9]+)-")


def small_blob(talk: Conversation, digest: str, most_bytes: int) -> bytes:
    """Errors: FetchLimitExceeded, DigestMismatch, and those of Network."""
    url = talk.url(talk.container.get_blob_url(digest))

    def read() -> bytes:
        with talk.answer("GET", url) as answer:
            if _length(answer) > most_bytes:
                raise FetchLimitExceeded(f"{talk.subject}: blob {digest} of more than {most_bytes} bytes is not read")
            return talk.line.whole(answer.response, most_bytes, f"blob {digest}")

    body = talk.attempts(read)
    found = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if found != digest:
        raise DigestMismatch(f"{talk.subject}: the registry sent a blob with digest {found} for {digest}")
    return body


def download(talk: Conversation, digest: str, size: int, target: BinaryIO) -> None:
    """Write the verified bytes of a blob to `target`, from its beginning.

    What breaks off goes on where it was, if the registry can do that. If the sum is wrong then, it is read once more
    in one piece. Errors: DigestMismatch, and those of Network.
    """
    first = _Download(talk, digest, size, target)
    if first.run() or (first.pieces > 1 and _Download(talk, digest, size, target, resumes=False).run()):
        return
    raise DigestMismatch(
        f"{talk.subject}: the registry sent {first.received} bytes with digest sha256:{first.hashed.hexdigest()} "
        f"for blob {digest} of {size} bytes"
    )


class _Download:
    def __init__(self, talk: Conversation, digest: str, size: int, target: BinaryIO, *, resumes: bool = True) -> None:
        self._talk = talk
        self._digest = digest
        self._size = size
        self._target = target
        self._resumes = resumes
        self._url = talk.url(talk.container.get_blob_url(digest))
        self._begin()

    def _begin(self) -> None:
        self.hashed = hashlib.sha256()
        self.received = self.pieces = 0
        self._target.seek(0)
        self._target.truncate()

    def run(self) -> bool:
        """Whether the bytes have the digest."""
        self._talk.line.attempts(self._once, progress=lambda: self.received)
        return self.received == self._size and f"sha256:{self.hashed.hexdigest()}" == self._digest

    def _once(self) -> None:
        headers = {"Range": f"bytes={self.received}-"} if self.received and self._resumes else {}
        with self._talk.answer("GET", self._url, accepted=(200, 206, 416), headers=headers) as answer:
            if headers and not self._goes_on(answer):
                self._begin()
                if answer.response.status_code != 200:
                    error = SourceUnreachable(f"{self._talk.subject}: blob {self._digest} cannot be read in parts")
                    raise MayPass(error)
            if self.received + _length(answer) > self._size:
                raise self._too_long()
            self.pieces += 1
            for chunk in self._talk.line.chunks(answer.response):
                self.received += len(chunk)
                if self.received > self._size:
                    raise self._too_long()
                self.hashed.update(chunk)
                self._target.write(chunk)

    def _goes_on(self, answer: Answer) -> bool:
        begins = _BEGINS.match(answer.response.headers.get("Content-Range", ""))
        return answer.response.status_code == 206 and begins is not None and int(begins[1]) == self.received

    def _too_long(self) -> DigestMismatch:
        return DigestMismatch(f"{self._talk.subject}: blob {self._digest} is longer than its {self._size} bytes")


def _length(answer: Answer) -> int:
    """What the answer says that its body has; 0 where it does not say."""
    text = answer.response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() and len(text) < 20 else 0
