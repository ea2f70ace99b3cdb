"""Methods of strings. A string counts and is cut by its bytes in UTF-8, as in the original."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import METHODS, as_index
from packhouse.template.ytt.starlark.args import ABSENT, positional
from packhouse.template.ytt.starlark.containers import TextElements
from packhouse.template.ytt.starlark.formats import code_point, format_text
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate, length
from packhouse.template.ytt.starlark.text import quote
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Args, Kwargs

Method = Callable[[Thread, str, Args, Kwargs], Any]

#: What Go takes for white space.
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501
#: The i of Turkish has case, and yet no pair.
_DOTTED: Final = "\u0130"
_DOTLESS: Final = "\u0131"
_SPACES: Final = frozenset(_SPACE)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bare(name: str, change: Callable[[str], Any]) -> Method:
    """A method without arguments."""

    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> Any:
        positional(name, args, kwargs, 0)
        thread.weigh(len(x))
        return change(x)

    return method


def _upper(text: str) -> str:
    """Letter by letter, as Go does: one letter never becomes two."""
    return text.upper() if text.isascii() else "".join(map(_upper_letter, text))


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(map(_lower_letter, text))


def _upper_letter(letter: str) -> str:
    upper = letter.upper()
    return _whole(upper if len(upper) == 1 else letter)


def _lower_letter(letter: str) -> str:
    lower = letter.lower()
    return _whole(lower[0] if len(lower) == 1 or letter == _DOTTED else letter)


def _title_letter(letter: str) -> str:
    title = letter.title()
    return _whole(title if len(title) == 1 else letter)


def _whole(letter: str) -> str:
    """What changes letters leaves no byte that is no UTF-8."""
    return "\ufffd" if "\udc80" <= letter <= "\udcff" else letter


def _cased(letter: str) -> bool:
    lower, upper = letter.lower(), letter.upper()
    if letter == "\u00df":  # its pair is a capital that Python does not give it
        return True
    changes = (len(lower) == 1 and lower != letter) or (len(upper) == 1 and upper != letter)
    return changes and letter not in _DOTTED + _DOTLESS


def _capitalize(text: str) -> str:
    return _title_letter(text[0]) + _lower(text[1:]) if text else text


def _title(text: str) -> str:
    out = []
    cased = False
    for letter in text:
        changed = _lower_letter(letter) if cased else _title_letter(letter)
        cased = _cased(changed)
        out.append(changed)
    return "".join(out)


def _letter(character: str) -> bool:
    return unicodedata.category(character)[0] == "L"


def _digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


def _is_title(text: str) -> bool:
    cased = before = False
    for letter in text:
        category = unicodedata.category(letter)
        if "A" <= letter <= "Z" or category == "Lt":
            if before:
                return False
            before = cased = True
        elif category == "Ll":
            if not before:
                return False
            before = cased = True
        elif category == "Lu":
            return False
        else:
            before = False
    return cased


def _all(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: bool(text) and all(map(test, text))


def _splitlines(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> list[str]:
    (keep,) = positional("splitlines", args, kwargs, 0, "bool")
    thread.weigh(len(x))
    if not x:
        return []
    lines = x.split("\n")
    last = lines.pop()
    if keep:
        lines = [line + "\n" for line in lines]
    return [*lines, last] if last else lines


def _elements(name: str) -> Method:
    ords = name.endswith("ords")
    codepoints = name.startswith("c")

    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> TextElements:
        positional(name, args, kwargs, 0)
        thread.weigh(len(x))
        items: list[Any]
        if codepoints:
            items = [code_point(character) for character in x] if ords else list(x)
        elif ords:
            items = list(_bytes(x))
        else:
            items = list(x) if x.isascii() else [_text(bytes((byte,))) for byte in _bytes(x)]
        return TextElements(items, f"{quote(x)}.{name}()", "codepoints" if codepoints else "elems")

    return method


def _find(name: str, last: bool, required: bool) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> int:
        wanted, start, end = positional(name, args, kwargs, 1, "string", "any", "any")
        data, needle, first = _window(name, x, wanted, start, end)
        thread.tick(1 + len(x) // 1_000)
        at: int = data.rfind(needle) if last else data.find(needle)
        if at < 0:
            if required:
                raise EvalError(f"{name}: substring not found")
            return -1
        return at + first

    return method


def _window(name: str, x: str, wanted: str, start: Any, end: Any) -> tuple[Any, Any, int]:
    """What to look in, what to look for, and the number of the first byte; as bytes where there are other letters than
    those of ASCII."""
    ascii_only = x.isascii() and wanted.isascii()
    data: Any = x if ascii_only else _bytes(x)
    needle: Any = wanted if ascii_only else _bytes(wanted)
    try:
        first, stop, _ = slice(as_index(start, "start"), as_index(end, "end")).indices(len(data))
    except EvalError as refused:
        raise EvalError(f"{name}: {refused.message}") from None
    return data[first:stop] if first < stop else data[:0], needle, first


def _count(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> int:
    wanted, start, end = positional("count", args, kwargs, 1, "string", "any", "any")
    data, needle, _ = _window("count", x, wanted, start, end)
    thread.tick(1 + len(x) // 1_000)
    if not wanted:
        return (len(data) if isinstance(data, str) else len(_text(data))) + 1
    found: int = data.count(needle)
    return found


def _affix(name: str, test: Callable[[Any, Any], bool]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> bool:
        wanted, start, end = positional(name, args, kwargs, 1, "any", "any", "any")
        if type(wanted) is str:
            data, needle, _ = _window(name, x, wanted, start, end)
            return test(data, needle)
        if type(wanted) is not tuple:
            _window(name, x, "", start, end)
            raise EvalError(f"{name}: got {type_name(wanted)}, want string or tuple of string")
        thread.tick(len(wanted))
        for number, item in enumerate(wanted):
            if type(item) is not str:
                raise EvalError(f"{name}: want string, got {type_name(item)}, for element {number}")
            data, needle, _ = _window(name, x, item, start, end)
            if test(data, needle):
                return True
        return False

    return method


def _strip(name: str, strip: Callable[[str, str], str]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
        (characters,) = positional(name, args, kwargs, 0, "string")
        thread.weigh(len(x))
        return strip(x, characters or _SPACE)

    return method


def _partition(name: str, split: Callable[[str, str], tuple[str, str, str]]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> tuple[str, str, str]:
        (separator,) = positional(name, args, kwargs, 1, "string")
        if not separator:
            raise EvalError(f"{name}: empty separator")
        thread.weigh(len(x))
        return split(x, separator)

    return method


def _replace(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    old, new, count = positional("replace", args, kwargs, 2, "string", "string", "int")
    found = x.count(old)
    if count is not ABSENT and count >= 0:
        found = min(found, count)
    thread.weigh(len(x) + found * len(new))
    return x.replace(old, new, -1 if count is ABSENT else count)


def _join(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    (items,) = positional("join", args, kwargs, 1, "iterable")
    thread.tick(max(length(items), 1))
    texts = list(iterate(items) or ())
    size = 0
    for item in texts:
        if type(item) is not str:
            raise EvalError(f"join: in list, want string, got {type_name(item)}")
        size += len(item) + len(x)
    thread.weigh(size)
    return x.join(texts)


def _format(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    return format_text(thread, x, args, kwargs)


def _split(name: str, last: bool) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> list[str]:
        separator, most = positional(name, args, kwargs, 0, "any", "int")
        thread.weigh(len(x))
        limit = -1 if most is ABSENT or most < 0 else most
        if separator is None or separator is ABSENT:
            return _split_space(x, limit, last)
        if type(separator) is not str:
            raise EvalError(f"split: got {type_name(separator)} for separator, want string")
        if not separator:
            raise EvalError("split: empty separator")
        return x.rsplit(separator, limit) if last else x.split(separator, limit)

    return method


def _split_space(text: str, most: int, last: bool) -> list[str]:
    """Where `most` ends the splitting, the rest is kept as it is up to its outer white space, which only an end that
    was reached loses."""
    if most < 0:
        return _fields(text)
    if last:
        return [part[::-1] for part in reversed(_split_space(text[::-1], most, False))]
    parts: list[str] = []
    start = -1
    for number, character in enumerate(text):
        if character in _SPACES:
            if start >= 0:
                if len(parts) == most:
                    break
                parts.append(text[start:number])
                start = -1
        elif start < 0:
            start = number
    return [*parts, text[start:]] if start >= 0 else parts


def _fields(text: str) -> list[str]:
    if text.isascii() and not any(mark in text for mark in "\x1c\x1d\x1e\x1f"):
        return text.split()
    return [field for field in "".join(" " if c in _SPACES else c for c in text).split(" ") if field]


METHODS[str] = {
    "capitalize": _bare("capitalize", _capitalize),
    "count": _count,
    "endswith": _affix("endswith", lambda data, needle: bool(data.endswith(needle))),
    "find": _find("find", last=False, required=False),
    "format": _format,
    "index": _find("index", last=False, required=True),
    "isalnum": _bare("isalnum", _all(lambda c: _letter(c) or _digit(c))),
    "isalpha": _bare("isalpha", _all(_letter)),
    "isdigit": _bare("isdigit", _all(_digit)),
    "islower": _bare("islower", lambda text: any(map(_cased, text)) and text == _lower(text)),
    "isspace": _bare("isspace", _all(_SPACES.__contains__)),
    "istitle": _bare("istitle", _is_title),
    "isupper": _bare("isupper", lambda text: any(map(_cased, text)) and text == _upper(text)),
    "join": _join,
    "lower": _bare("lower", _lower),
    "lstrip": _strip("lstrip", str.lstrip),
    "partition": _partition("partition", lambda x, sep: x.partition(sep)),
    "replace": _replace,
    "rfind": _find("rfind", last=True, required=False),
    "rindex": _find("rindex", last=True, required=True),
    "rpartition": _partition("rpartition", lambda x, sep: x.rpartition(sep)),
    "rsplit": _split("rsplit", last=True),
    "rstrip": _strip("rstrip", str.rstrip),
    "split": _split("split", last=False),
    "splitlines": _splitlines,
    "startswith": _affix("startswith", lambda data, needle: bool(data.startswith(needle))),
    "strip": _strip("strip", str.strip),
    "title": _bare("title", _title),
    "upper": _bare("upper", _upper),
    **{name: _elements(name) for name in ("codepoint_ords", "codepoints", "elem_ords", "elems")},
}
