"""What sops writes beside the content: for whom it is encrypted, which values are, and the sum over them.

Pure. The forms (yaml_file.py ...) hand in a map, read from their own spelling of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import re2

from packhouse.template.sops.errors import refused, unsupported

KEY: Final = "sops"
_UNENCRYPTED_SUFFIX: Final = "_unencrypted"
_RULES: Final = (
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
)
#: Who else may hold the data key; a file may name them beside age.
_OTHERS: Final = ("pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault")

#: Whether the value below these keys is encrypted; None: told by how it looks.
Rule = Callable[[Sequence[str]], bool | None]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key, and the data key encrypted for it."""

    name: str
    encrypted: str


@dataclass(frozen=True, slots=True)
class Metadata:
    recipients: Sequence[Recipient]
    mac: str
    last_modified: str
    only_encrypted: bool  # the sum is over encrypted values alone
    rule: Rule


def read(file: str, told: Any) -> Metadata:
    """Raises TemplateFailed for another form, UnsupportedStep where no age key can open the file."""
    if not isinstance(told, Mapping):
        raise refused(file, f"it is not encrypted by sops: it has no map {KEY}")
    if told.get("key_groups"):
        raise unsupported(file, "it needs keys of several groups at once (key_groups); encrypt it for age keys alone")
    entries = told.get("age") or ()
    others = [name for name in _OTHERS if told.get(name)]
    if not entries:
        held = f"for {', '.join(others)}" if others else "for nobody"
        raise unsupported(file, f"it is encrypted {held}, and only age keys are supported")
    recipients = [
        Recipient(str(entry.get("recipient", "")), str(entry.get("enc", "")))
        for entry in entries
        if isinstance(entry, Mapping)
    ]
    return Metadata(
        recipients=recipients,
        mac=str(told.get("mac") or ""),
        last_modified=str(told.get("lastmodified") or ""),
        only_encrypted=str(told.get("mac_only_encrypted", "")).lower() == "true",
        rule=_rule(file, told),
    )


def _rule(file: str, told: Mapping[str, Any]) -> Rule:
    given = [(name, str(told[name])) for name in _RULES if told.get(name)]
    if len(given) > 1:
        raise refused(file, f"it has more than one rule of what is encrypted: {', '.join(name for name, _ in given)}")
    name, text = given[0] if given else ("unencrypted_suffix", _UNENCRYPTED_SUFFIX)
    if "comment" in name:  # comments are bound to values by how Go's YAML library reads them
        return lambda path: None
    matches = _regex(file, name, text) if name.endswith("regex") else (lambda key: key.endswith(text))
    wanted = name.startswith("encrypted")
    return lambda path: any(matches(key) for key in path) is wanted


def _regex(file: str, name: str, text: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(text, options).search
    except re2.error:
        raise refused(file, f"{name} is no regular expression") from None
    return lambda key: search(key) is not None
