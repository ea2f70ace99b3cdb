"""Private keys: from the texts of a Secret to age identities, and from those to the data key of a file.

Called by engine.py. Keys of plugins are refused: they would start programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from packhouse.api.errors import TemplateFailed, UnsupportedStep
from packhouse.template.sops.errors import refused
from packhouse.template.sops.metadata import Metadata

_AGE: Final = "AGE-SECRET-KEY-1"
_PLUGIN: Final = ("AGE-PLUGIN-", "AGE-SECRET-KEY-PQ-")
_SSH: Final = "-----BEGIN "
_DATA_KEY_BYTES: Final = 32
_NAMED_MOST: Final = 3


class Keys:
    """The identities of one Secret; `source` names it in messages."""

    def __init__(self, source: str, content: Mapping[str, bytes]) -> None:
        """Raises TemplateFailed where it holds no key, UnsupportedStep for keys of another kind."""
        self._source = source
        self._identities: list[Any] = []
        for name, text in sorted(content.items()):
            self._identities += _identities(f"{source} key {name}", text)
        if not self._identities:
            raise TemplateFailed(f"template step sops: {source} holds no age key (lines that begin with {_AGE})")

    def data_key(self, file: str, metadata: Metadata) -> bytes:
        """Raises TemplateFailed where no key fits; the message names for whom the file is encrypted."""
        import pyrage  # a worker that meets no such package needs none of it

        for recipient in metadata.recipients:
            try:
                key = pyrage.decrypt(recipient.encrypted.encode(), self._identities)
            except pyrage.DecryptError:
                continue
            if len(key) != _DATA_KEY_BYTES:
                raise refused(file, "its data key is of another length than sops makes them")
            return bytes(key)
        names = [recipient.name for recipient in metadata.recipients]
        more = f" and {len(names) - _NAMED_MOST} more" if len(names) > _NAMED_MOST else ""
        raise refused(
            file,
            f"no key of {self._source} opens it; it is encrypted for {', '.join(names[:_NAMED_MOST])}{more}: add a "
            "private key of one of these to the Secret, or encrypt the file for a key that is there",
        )


def _identities(place: str, content: bytes) -> Sequence[Any]:
    """A file as age-keygen writes it, or a private key of ssh."""
    import pyrage

    text = content.decode(errors="replace").strip()
    if text.startswith(_SSH):
        try:
            return [pyrage.ssh.Identity.from_buffer(text.encode() + b"\n")]
        except pyrage.IdentityError:
            raise TemplateFailed(
                f"template step sops: {place} is no ssh key that age can use: one without a passphrase, ed25519 or rsa"
            ) from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(_PLUGIN):
            raise UnsupportedStep(
                f"template step sops: {place} line {number}: keys of age plugins and post-quantum keys are not "
                f"supported; use one that begins with {_AGE}"
            )
        try:
            found.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError:
            raise TemplateFailed(f"template step sops: {place} line {number} is no age key") from None
    return found
