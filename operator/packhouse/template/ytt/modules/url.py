"""`@ytt:url`: escape and unescape parts of URLs, queries as dicts, and parsed URLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import constant, exactly, go_value_type, one_text
from packhouse.template.ytt.modules.url_text import QUERY, SEGMENT, Part, Url, UrlError, User, escape, parse, unescape
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Opaque, Struct, Thread
from packhouse.template.ytt.words import from_bytes, to_bytes

#: How many bytes are read or written for one step.
_STEP = 64


def _bytes(thread: Thread, text: str) -> str:
    data = to_bytes(text)
    thread.tick(1 + len(data) // _STEP)
    thread.weigh(len(data) * 3)
    return data.decode("latin-1")


def _text(data: str) -> str:
    return from_bytes(data.encode("latin-1"))


def _escaping(name: str, part: Part) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> str:
        return escape(_bytes(thread, one_text(args)), part)

    return Builtin(name, run)


def _unescaping(name: str, part: Part) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> str:
        try:
            return _text(unescape(_bytes(thread, one_text(args)), part))
        except UrlError as refused:
            raise EvalError(str(refused)) from None

    return Builtin(name, run)


def _query_params_encode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    exactly(args, 1)
    params = args[0].fields() if isinstance(args[0], Struct) else args[0]
    if not isinstance(params, Mapping):
        raise EvalError(f"expected argument to be a map, but was {go_value_type(params)}")
    pairs: list[str] = []
    checked = {_key(key): _values(value) for key, value in params.items()}
    for key in sorted(checked, key=to_bytes):
        written = escape(_bytes(thread, key), QUERY)
        pairs += [f"{written}={escape(_bytes(thread, value), QUERY)}" for value in checked[key]]
    return "&".join(pairs)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise EvalError(f"expected map key to be string, but was {go_value_type(key)}")


def _values(values: Any) -> list[str]:
    if not isinstance(values, list | tuple | set | frozenset):
        raise EvalError(f"expected map value to be array, but was {go_value_type(values)}")
    for value in values:
        if not isinstance(value, str):
            raise EvalError(f"expected array value to be string, but was {go_value_type(value)}")
    return list(values)


def _query_params_decode(thread: Thread, args: Args, kwargs: Kwargs) -> dict[str, list[str]]:
    # A semicolon separates as well, as it did when templates were first written.
    query = _bytes(thread, one_text(args)).replace(";", "&")
    params: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if not pair:
            continue
        key, _, value = pair.partition("=")
        try:
            params.setdefault(unescape(key, QUERY), []).append(_text(unescape(value, QUERY)))
        except UrlError as refused:
            raise EvalError(str(refused)) from None
    return {_text(key): params[key] for key in sorted(params)}


def _parse(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
    try:
        return _url_value(parse(_bytes(thread, one_text(args))))
    except UrlError as refused:
        raise EvalError(str(refused)) from None


def _url_value(url: Url) -> Opaque:
    def without_user(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
        exactly(args, 0)
        return _url_value(url._replace(user=None))

    return Opaque(
        "@ytt:url.value",
        "struct(...)",
        {
            "user": _user_value(url.user) if url.user else None,
            "without_user": Builtin("url.value.without_user", without_user),
            "string": constant("url.value.string", _text(url.text())),
            "hostname": constant("url.value.hostname", _text(url.hostname())),
        },
    )


def _user_value(user: User) -> Opaque:
    return Opaque(
        "@ytt:url.user",
        "struct(...)",
        {
            "name": _text(user.name),
            "password": None if user.password is None else _text(user.password),
            "string": constant("string", _text(user.text())),
        },
    )


URL: Final = Module(
    "url",
    {
        "path_segment_encode": _escaping("url.path_segment_encode", SEGMENT),
        "path_segment_decode": _unescaping("url.path_segment_decode", SEGMENT),
        "query_param_value_encode": _escaping("url.query_param_value_encode", QUERY),
        "query_param_value_decode": _unescaping("url.query_param_value_decode", QUERY),
        "query_params_encode": Builtin("url.query_params_encode", _query_params_encode),
        "query_params_decode": Builtin("url.query_params_decode", _query_params_decode),
        "parse": Builtin("url.parse", _parse),
    },
)
