"""URLs as the original's standard library reads and writes them: which bytes are escaped where, and the parts of a URL.

Called by `url` alone. Texts are here bytes, one letter each (latin-1), since that library thinks in bytes.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from packhouse.template.ytt.words import from_bytes, quote

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_HOST_LETTERS = _UNRESERVED + "!$&'()*+,;=:[]<>\""


class Part:
    """A part of a URL, and the bytes that stand in it as they are."""

    __slots__ = ("name", "plain", "written")

    def __init__(self, name: str, plain: str) -> None:
        self.name = name
        self.plain = frozenset(plain)
        #: By byte, how it is written.
        self.written = [chr(byte) if chr(byte) in self.plain else f"%{byte:02X}" for byte in range(256)]
        if name == "query":
            self.written[ord(" ")] = "+"


PATH: Final = Part("path", _UNRESERVED + "$&+,/:;=@")
SEGMENT: Final = Part("segment", _UNRESERVED + "$&+:=@")
USER: Final = Part("user", _UNRESERVED + "$&+,;=")
QUERY: Final = Part("query", _UNRESERVED)
FRAGMENT: Final = Part("fragment", _UNRESERVED + "$&+,/:;=?@!()*")
HOST: Final = Part("host", _HOST_LETTERS)
ZONE: Final = Part("zone", _HOST_LETTERS)

_HEX: Final = re.compile("%[0-9A-Fa-f]{2}")
_BROKEN: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_SCHEME: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")
_PORT: Final = re.compile(":[0-9]*")
_USERINFO: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
#: What may stand in a path or a fragment beside what the part itself lets stand.
_ALREADY_ENCODED: Final = frozenset("!$&'()*+,;=:@[]%")


class UrlError(Exception):
    """A URL, or an escaped part of one, that is refused; the message is the original's."""


def escape(text: str, part: Part) -> str:
    written = part.written
    return "".join([written[ord(letter)] for letter in text])


def unescape(text: str, part: Part) -> str:
    """Raises UrlError."""
    if part is HOST or part is ZONE:
        _check_host(text, part)
    broken = _BROKEN.search(text)
    if broken:
        raise _bad_escape(text[broken.start() :])
    if part is QUERY:
        text = text.replace("+", " ")
    first, *rest = text.split("%")
    return first + "".join([chr(int(piece[:2], 16)) + piece[2:] for piece in rest])


def _check_host(text: str, part: Part) -> None:
    """Escapes in a host are for bytes beyond ASCII only; a zone may have those that could be written plainly."""
    at = 0
    while at < len(text):
        letter = text[at]
        if letter != "%":
            if letter < "\x80" and letter not in part.plain:
                raise UrlError(f"invalid character {_quoted(letter)} in host name")
            at += 1
            continue
        escaped = text[at : at + 3]
        if not _HEX.fullmatch(escaped):
            raise _bad_escape(text[at:])
        byte = chr(int(escaped[1:], 16))
        plain_byte = byte == " " or byte in HOST.plain
        if escaped != "%25" and ((part is HOST and byte < "\x80") or (part is ZONE and not plain_byte)):
            raise _bad_escape(escaped)
        at += 3


def _bad_escape(text: str) -> UrlError:
    return UrlError(f"invalid URL escape {_quoted(text[:3])}")


def _quoted(text: str) -> str:
    return quote(from_bytes(text.encode("latin-1")))


class User(NamedTuple):
    """`password` is None where none is given, which is not the same as an empty one."""

    name: str
    password: str | None

    def text(self) -> str:
        name = escape(self.name, USER)
        return name if self.password is None else f"{name}:{escape(self.password, USER)}"


class Url(NamedTuple):
    """Path and fragment are unescaped; the raw ones are as written, where the usual escaping differs from that."""

    scheme: str = ""
    opaque: str = ""
    user: User | None = None
    host: str = ""
    path: str = ""
    raw_path: str = ""
    query: str = ""
    empty_query: bool = False
    fragment: str = ""
    raw_fragment: str = ""
    no_host: bool = False

    def text(self) -> str:
        written = f"{self.scheme}:" if self.scheme else ""
        written += self.opaque or self._hierarchy(written)
        if self.empty_query or self.query:
            written += "?" + self.query
        if self.fragment:
            written += "#" + _encoded(self.fragment, self.raw_fragment, FRAGMENT)
        return written

    def _hierarchy(self, before: str) -> str:
        written = ""
        if (self.scheme or self.host or self.user) and not (self.no_host and not self.host and not self.user):
            if self.host or self.path or self.user:
                written += "//"
            if self.user:
                written += self.user.text() + "@"
            written += escape(self.host, HOST)
        path = "*" if self.path == "*" else _encoded(self.path, self.raw_path, PATH)
        if path and not path.startswith("/") and self.host:
            written += "/"
        if not before and not written and ":" in path.partition("/")[0]:
            written += "./"
        return written + path

    def hostname(self) -> str:
        """Without the port, and without the brackets of a v6 address."""
        before, colon, after = self.host.rpartition(":")
        host = before if colon and _PORT.fullmatch(colon + after) else self.host
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _encoded(text: str, raw: str, part: Part) -> str:
    """As it was written, where that is a way to write `text`."""
    if raw and all(letter in _ALREADY_ENCODED or letter in part.plain for letter in raw):
        try:
            if unescape(raw, part) == text:
                return raw
        except UrlError:
            pass
    return escape(text, part)


def parse(text: str) -> Url:
    """Raises UrlError, whose message begins with what was read."""
    before, _, fragment = text.partition("#")
    try:
        url = _parse(before)
    except UrlError as refused:
        raise UrlError(f"parse {_quoted(before)}: {refused}") from None
    if not fragment:
        return url
    try:
        plain = unescape(fragment, FRAGMENT)
    except UrlError as refused:
        raise UrlError(f"parse {_quoted(text)}: {refused}") from None
    raw = "" if escape(plain, FRAGMENT) == fragment else fragment
    return url._replace(fragment=plain, raw_fragment=raw)


def _parse(text: str) -> Url:
    if _CONTROL.search(text):
        raise UrlError("net/url: invalid control character in URL")
    if text == "*":
        return Url(path="*")
    if text.startswith(":"):
        raise UrlError("missing protocol scheme")
    match = _SCHEME.match(text)
    scheme = match.group()[:-1].lower() if match else ""
    rest = text[match.end() :] if match else text
    empty_query = rest.endswith("?") and rest.count("?") == 1
    rest, _, query = rest.partition("?")
    url = Url(scheme=scheme, query=query, empty_query=empty_query)
    if not rest.startswith("/"):
        if scheme:
            return url._replace(opaque=rest)
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, rest = rest[2:].partition("/")
        user, host = _authority(authority)
        url, rest = url._replace(user=user, host=host), slash + rest
    elif scheme and rest.startswith("/"):
        url = url._replace(no_host=True)
    path = unescape(rest, PATH)
    return url._replace(path=path, raw_path="" if escape(path, PATH) == rest else rest)


def _authority(text: str) -> tuple[User | None, str]:
    userinfo, at, written_host = text.rpartition("@")
    host = _host(written_host)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(userinfo):
        raise UrlError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    return User(unescape(name, USER), unescape(password, USER) if colon else None), host


def _host(host: str) -> str:
    bracket = host.rfind("]") if host.startswith("[") else -1
    if host.startswith("["):
        if bracket < 0:
            raise UrlError("missing ']' in host")
        port = host[bracket + 1 :]
    else:
        colon = host.rfind(":")
        port = host[colon:] if colon >= 0 else ""
    if port and not _PORT.fullmatch(port):
        raise UrlError(f"invalid port {_quoted(port)} after host")
    zone = host.find("%25", 0, bracket) if bracket >= 0 else -1
    if zone < 0:
        return unescape(host, HOST)
    return unescape(host[:zone], HOST) + unescape(host[zone:bracket], ZONE) + unescape(host[bracket:], HOST)
