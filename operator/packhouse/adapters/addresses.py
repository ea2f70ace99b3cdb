"""Which hosts and addresses may be connected to, for everything that is fetched.

Called by door.py: by name before a request, by address at the moment of connecting, and the connection then goes to
the very address that was checked. So a name that resolves to something else a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from packhouse.api.errors import HostRefused

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where clouds tell the machines in them who they are, beside link-local addresses.
_METADATA_ADDRESSES: Final = frozenset(
    map(
        ipaddress.ip_address,
        (
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # Amazon
            "fd20:ce::254",  # Google
            "fd00:42::42",  # Scaleway
        ),
    )
)
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.goog", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
)
#: What a network translates to the IPv4 address in the last bits: of all, of one organisation, and without a state.
_TRANSLATED: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))


def check_name(host: str, allowed: Sequence[str]) -> None:
    """`host` (with or without a port) by its name, or by the address that it is. Raises HostRefused.

    `allowed`: globs of names, with or without a port; none allows all.
    """
    name, port = _parts(host.lower())
    if name in _METADATA_NAMES:
        raise HostRefused(f"{name} tells the machines of a cloud who they are: nothing is fetched from there")
    address = _as_address(name)
    if address is not None and forbidden(address):
        raise _refused(name, address)
    if allowed and not any(fnmatchcase(form, glob.lower()) for glob in allowed for form in (name, f"{name}{port}")):
        raise HostRefused(f"{name} is none of the hosts that may be fetched from (PACKHOUSE_FETCH_HOSTS)")


def connect(
    host: str,
    port: int,
    timeout_seconds: float,
    options: Sequence[tuple[int, int, int]] = (),
    made: Callable[[socket.socket], None] = lambda _: None,
) -> socket.socket:
    """A connection to one of the addresses of `host`; those that are forbidden are never tried.

    `made` is given the socket before it connects. Errors: HostRefused, socket.gaierror, OSError.
    """
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    error: OSError | None = None
    refused: _Address | None = None
    for family, kind, protocol, _, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if forbidden(address):
            refused = address
            continue
        one = socket.socket(family, kind, protocol)
        try:
            for option in options:
                one.setsockopt(*option)
            one.settimeout(timeout_seconds)
            made(one)
            one.connect(place)
        except OSError as caught:
            one.close()
            error = caught
            continue
        except BaseException:
            one.close()
            raise
        return one
    if error is not None:
        raise error
    if refused is not None:
        raise _refused(host, refused)
    raise OSError("the name has no address")


def forbidden(address: _Address) -> bool:
    """Link-local, unspecified, multicast and those of clouds' metadata; also where IPv6 wraps such an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if any(address in network for network in _TRANSLATED) or int(address) >> 32 == 0:
            wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        # ::1 wraps 0.0.0.1 by the rule above, and is this machine
        if not address.is_loopback and any(inner is not None and forbidden(inner) for inner in wrapped):
            return True
    return (
        address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address in _METADATA_ADDRESSES
        or address == ipaddress.ip_address("255.255.255.255")
        or (address.version == 4 and int(address) >> 24 == 0)
    )


def _parts(host: str) -> tuple[str, str]:
    """The name, without brackets and the dot at its end, and the port with its colon."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    elif host.count(":") == 1:
        name, colon, port = host.partition(":")
        port = colon + port
    else:
        name, port = host, ""
    return name.rstrip("."), port


def _as_address(name: str) -> _Address | None:
    """The address that a name is, also in the forms of one number or of hexadecimal parts that resolvers take."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    if not name[-1:].isalnum() or not name[:1].isdigit():
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None


def _refused(name: str, address: _Address) -> HostRefused:
    where = f"{name} is" if str(address) == name else f"{name} resolves to {address},"
    return HostRefused(
        f"{where} a link-local, metadata, multicast or unspecified address: nothing is fetched from there"
    )
