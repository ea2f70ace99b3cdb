"""How keys of maps look in paths and messages. Pure; used by the validations and by the schema."""

from __future__ import annotations

from decimal import Decimal

from packhouse.template.ytt.nodes import Value


def plain_key(key: Value) -> str:
    """`name`, `5`, `true`, `<nil>`."""
    if isinstance(key, str):
        return key
    if key is None:
        return "<nil>"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return go_float(key)
    return str(key)


def path_key(key: Value) -> str:
    """As a step of a path: only texts are plain there, `5` is `%!s(int=5)`, as the original prints it."""
    if isinstance(key, str):
        return key
    if key is None:
        return "%!s(<nil>)"
    kind = "bool" if isinstance(key, bool) else "float64" if isinstance(key, float) else "int"
    return f"%!s({kind}={plain_key(key)})"


def go_float(value: float) -> str:
    """The shortest digits; an exponent only from 1e+21 on and below 1e-4."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    exponent = text.partition("e")[2]
    if not exponent:
        return text.removesuffix(".0")
    return format(Decimal(text), "f") if 0 < int(exponent) < 21 else text
