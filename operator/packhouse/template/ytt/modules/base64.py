"""`load("@ytt:base64", "base64")`: encode, decode, each with url=, raw= (no padding) and strict= (no stray bits)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import one_text
from packhouse.template.ytt.starlark.args import bool_arg
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread
from packhouse.template.ytt.words import from_bytes, to_bytes

_COMMON = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD: Final = _COMMON + b"+/"
_URL: Final = _COMMON + b"-_"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
#: Which low bits of the last letter must be zero, by the number of letters in the last group.
_STRAY_BITS = {2: 0b1111, 3: 0b11}


def _encode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    data = to_bytes(one_text(args))
    url, raw, _ = bool_arg(kwargs, "url"), bool_arg(kwargs, "raw"), bool_arg(kwargs, "strict")
    thread.weigh(len(data) * 4 // 3 + 4)
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode("ascii")
    return text.rstrip("=") if raw else text


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    data = to_bytes(one_text(args))
    url, raw, strict = bool_arg(kwargs, "url"), bool_arg(kwargs, "raw"), bool_arg(kwargs, "strict")
    thread.weigh(len(data))
    alphabet = _URL if url else _STANDARD
    letters = data.translate(None, b"\r\n")
    plain = letters if raw else letters.rstrip(b"=")
    padding = len(letters) - len(plain)
    whole = len(plain) % 4 != 1 and (raw or (padding <= 2 and (len(plain) + padding) % 4 == 0))
    if not whole or plain.translate(None, alphabet) or (strict and _strays(plain, alphabet)):
        raise EvalError(f"illegal base64 data at input byte {_offset(data, alphabet, padded=not raw, strict=strict)}")
    filled = plain + b"=" * (-len(plain) % 4)
    return from_bytes(binascii.a2b_base64(filled.translate(_TO_STANDARD) if url else filled))


def _strays(letters: bytes, alphabet: bytes) -> bool:
    bits = _STRAY_BITS.get(len(letters) % 4)
    return bits is not None and bool(alphabet.index(letters[-1:]) & bits)


def _offset(data: bytes, alphabet: bytes, *, padded: bool, strict: bool) -> int:
    """Where the original finds fault: it reads groups of four letters, passing over line breaks.

    Called for refused data only.
    """
    at, end = 0, len(data)
    while True:
        group = bytearray()
        while len(group) < 4:
            if at == end:
                return _short(at, bytes(group), alphabet, padded=padded, strict=strict)
            letter = data[at]
            at += 1
            if letter in b"\r\n":
                continue
            if letter in alphabet:
                group.append(letter)
                continue
            if letter == ord("=") and padded:
                return _padding(data, at, bytes(group), alphabet, strict=strict)
            return at - 1


def _short(at: int, group: bytes, alphabet: bytes, *, padded: bool, strict: bool) -> int:
    """The data ends within a group."""
    if len(group) == 1 or padded:
        return at - len(group)
    return at - (4 - len(group)) if strict and _strays(group, alphabet) else at


def _padding(data: bytes, at: int, group: bytes, alphabet: bytes, *, strict: bool) -> int:
    """`at` is behind the first "="."""
    if len(group) < 2:
        return at - 1
    if len(group) == 2:
        at = _past_breaks(data, at)
        if at == len(data):
            return len(data)
        if data[at] != ord("="):
            return at - 1
        at += 1
    at = _past_breaks(data, at)
    return at - (4 - len(group)) if strict and _strays(group, alphabet) else at


def _past_breaks(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in b"\r\n":
        at += 1
    return at


BASE64: Final = Module(
    "base64", {"encode": Builtin("base64.encode", _encode), "decode": Builtin("base64.decode", _decode)}
)
