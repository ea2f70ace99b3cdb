"""An API server's refusal as a sentence of ours: what it says, less the values that it quotes.

What is applied may hold secrets, in a Secret or rendered into anything else, and a message ends up in status, Events
and logs. So fields are named and their content is not. Nothing is decided by these texts.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from typing import Final

from packhouse.adapters.api_server import Refused
from packhouse.api.names import INSTALL_GROUP, PACKAGE_GROUP
from packhouse.ports import Json

#: How the server begins to quote a value in the cause of an invalid field.
_QUOTING: Final = re.compile(r"(?P<words>(?:Invalid|Unsupported|Duplicate) value|Not found|Too long|Too many): ")

#: How it prints a value of a type that does not fit; nobody can tell where it ends, so all of it goes.
_PRINTED: Final = re.compile(r"&?value\.\w+\{.*\}", re.DOTALL)

#: It shows a change that a kind does not allow (of a Pod, of a claim) as the whole of both values in Go's words.
_COMPARED: Final = re.compile(r"\s*\n.*|\s*&?\b[a-z]\w*\.[A-Z]\w*\{.*", re.DOTALL)

_DECODER: Final = json.JSONDecoder()


def forbidden(refused: Refused, what: str, verb: str) -> str:
    """RBAC and admission (Pod Security, quota, escalation) both answer 403 in the same shape, and the server's own
    words say which it was; so they stand first, and the rule that would grant the right stands behind an "if"."""
    resource, group = refused.details.get("kind", ""), refused.details.get("group", "")
    said = _without_content(refused.message, refused.request.body)  # a webhook denies with a 403, too
    if not resource:
        return f"{what}: {said}"
    return (
        f"{what}: {said}; if the right is missing, this rule grants it: "
        f'apiGroups ["{group}"], resources ["{resource}"], verbs ["{verb}"]'
    )


def discreet(refused: Refused) -> str:
    """The server's words without the values of fields."""
    causes = refused.details.get("causes")
    if refused.code == 422 and isinstance(causes, list) and causes:
        ours = refused.details.get("group") in (PACKAGE_GROUP, INSTALL_GROUP)
        words = "; ".join(_cause(cause, ours=ours) for cause in causes)
    else:
        words = _PRINTED.sub("a value of another type", refused.message)
    return _without_content(words, refused.request.body)


def _cause(cause: Json, *, ours: bool) -> str:
    """`field: what is wrong with it`, e.g. "spec.replicas: Invalid value: must be greater than or equal to 0".

    Our own kinds hold no secrets, and what their rules say stands there without a value.
    """
    field, message = cause.get("field") or "", cause.get("message") or ""
    quoting = _QUOTING.match(message)
    if quoting is not None:
        message = f"{quoting['words']}{_behind_value(message[quoting.end() :], ours)}"
    elif message.startswith("Forbidden: "):
        message = _COMPARED.sub("", message)
    return f"{field}: {message}" if field else message


def _behind_value(text: str, ours: bool) -> str:
    """What follows the quoted value; nothing where its end cannot be told, or where there is none, but of `ours`."""
    try:
        _, end = _DECODER.raw_decode(text)
    except ValueError:
        return f": {text}" if ours and not text.startswith("map[") else ""
    return text[end:]


def _without_content(words: str, body: object) -> str:
    """A webhook or a parser may quote a Secret in words of its own."""
    if not isinstance(body, dict) or (body.get("apiVersion"), body.get("kind")) != ("v1", "Secret"):
        return words
    for text in sorted(set(_content(body)) - {""}, key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "(not shown)", words)
    return words


def _content(secret: Json) -> Iterator[str]:
    """The values of a Secret, as they are and as the API server keeps them: a webhook sees the latter and may read
    the former out of it."""
    for part, is_coded in ((secret.get("data"), True), (secret.get("stringData"), False)):
        for text in map(str, part.values()) if isinstance(part, dict) else ():
            yield text
            if not is_coded:
                yield b64encode(text.encode()).decode()
                continue
            try:
                yield b64decode(text).decode()
            except (NotBase64, ValueError):  # no base64, or no text
                continue
