"""`@ytt:ip`: parse_addr and parse_cidr give values that know what kind of address they are."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import constant, one_text
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Opaque, Thread

#: The longest text that can be an address, with room for what is refused anyway.
_LONGEST = 64
_MAPPED = 0xFFFF << 32
_V4_BITS = 32
_V6_BITS = 128


def _parse_addr(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
    text = one_text(args)
    parsed = _address(text)
    if parsed is None:
        raise EvalError(f"invalid IP address: {text}")
    return _addr_value(parsed[0])


def _parse_cidr(thread: Thread, args: Args, kwargs: Kwargs) -> tuple[Opaque, Opaque]:
    text = one_text(args)
    address, slash, mask = text.partition("/")
    parsed = _address(address)
    digits = mask.isascii() and mask.isdigit() and len(mask) <= _LONGEST
    if not slash or parsed is None or not digits or int(mask) > parsed[1]:
        raise EvalError(f"invalid CIDR address: {text}")
    number, bits = parsed
    length = int(mask) + (_V6_BITS - bits)
    network = number >> (_V6_BITS - length) << (_V6_BITS - length)
    return _addr_value(number), _net_value(network, length)


def _address(text: str) -> tuple[int, int] | None:
    """As a number of 128 bits (a v4 address mapped into v6), and how many bits it was written with."""
    if len(text) > _LONGEST or not text.isascii() or "%" in text:
        return None
    try:
        if ":" in text:
            return int(IPv6Address(text)), _V6_BITS
        return _MAPPED | int(IPv4Address(text)), _V4_BITS
    except AddressValueError:
        return None


def _is_v4(number: int) -> bool:
    return number >> _V4_BITS == 0xFFFF


def _text(number: int) -> str:
    """A mapped address is written as the v4 address that it is, as the original does."""
    return str(IPv4Address(number & 0xFFFFFFFF) if _is_v4(number) else IPv6Address(number))


def _addr_value(number: int) -> Opaque:
    is_v4 = _is_v4(number)
    return Opaque(
        "@ytt:ip.addr",
        "struct(...)",
        {
            "is_ipv4": constant("ip.addr.is_ipv4", is_v4),
            "is_ipv6": constant("ip.addr.is_ipv6", not is_v4),
            "string": constant("ip.addr.string", _text(number)),
        },
    )


def _net_value(network: int, length: int) -> Opaque:
    shown = length - (_V6_BITS - _V4_BITS) if _is_v4(network) else length
    return Opaque(
        "@ytt:ip.net",
        "struct(...)",
        {
            "addr": constant("ip.net.addr", _addr_value(network)),
            "string": constant("ip.net.string", f"{_text(network)}/{shown}"),
        },
    )


IP: Final = Module(
    "ip", {"parse_addr": Builtin("ip.parse_addr", _parse_addr), "parse_cidr": Builtin("ip.parse_cidr", _parse_cidr)}
)
