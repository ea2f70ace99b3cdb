"""The module ip: what Go's net package takes for an address or a network."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import method, refusal, run


@pytest.mark.parametrize(
    ("text", "written", "v4"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", True, id="v4"),
        pytest.param("2001:db8::1", "2001:db8::1", False, id="v6"),
        pytest.param("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1", False, id="the first run of zeros is left out"),
        pytest.param("::", "::", False, id="nothing but zeros"),
        pytest.param("::ffff:1.2.3.4", "1.2.3.4", True, id="v4 within v6"),
        pytest.param("::1.2.3.4", "::102:304", False, id="the old way to write it"),
        pytest.param("1:0:0:4:5:6:7:8", "1::4:5:6:7:8", False, id="two zeros"),
        pytest.param("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8", False, id="one zero stays"),
    ],
)
def test_an_address_knows_what_it_is(text: str, written: str, v4: bool) -> None:
    address = run("ip.parse_addr", text)
    assert address.type_name == "@ytt:ip.addr"
    assert method(address, "string") == written
    assert (method(address, "is_ipv4"), method(address, "is_ipv6")) == (v4, not v4)


@pytest.mark.parametrize(
    "text",
    [
        *("", "not-a-valid-addr", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "fe80::1%eth0", "1:2:3:4:5:6:7:8:9"),
        *(":::", "1::2::3", "12345::", " 1.2.3.4", "1.2.3.4/24", "\u0661.2.3.4", "::1.2.3", "1" * 100),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal("ip.parse_addr", text) == f"ip.parse_addr: invalid IP address: {text}"


@pytest.mark.parametrize(
    ("text", "address", "network", "network_address"),
    [
        pytest.param("192.0.2.1/24", "192.0.2.1", "192.0.2.0/24", "192.0.2.0", id="v4"),
        pytest.param("192.0.2.1/0", "192.0.2.1", "0.0.0.0/0", "0.0.0.0", id="everything"),
        pytest.param("192.0.2.1/32", "192.0.2.1", "192.0.2.1/32", "192.0.2.1", id="one"),
        pytest.param("192.0.2.1/08", "192.0.2.1", "192.0.0.0/8", "192.0.0.0", id="a zero in front of the length"),
        pytest.param("2001:db8::1/96", "2001:db8::1", "2001:db8::/96", "2001:db8::", id="v6"),
        pytest.param("::ffff:1.2.3.4/120", "1.2.3.4", "1.2.3.0/24", "1.2.3.0", id="v4 within v6"),
        pytest.param("::ffff:1.2.3.4/88", "1.2.3.4", "::ff00:0:0/88", "::ff00:0:0", id="and no more, when masked"),
    ],
)
def test_a_cidr_is_an_address_and_its_network(text: str, address: str, network: str, network_address: str) -> None:
    addr, net = run("ip.parse_cidr", text)
    assert net.type_name == "@ytt:ip.net"
    assert method(addr, "string") == address
    assert method(net, "string") == network
    assert method(method(net, "addr"), "string") == network_address


@pytest.mark.parametrize("text", ["", "1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "1.2.3.4/a", "/8"])
def test_what_is_no_cidr_is_refused(text: str) -> None:
    assert refusal("ip.parse_cidr", text) == f"ip.parse_cidr: invalid CIDR address: {text}"


@given(st.ip_addresses())
def test_any_address_is_written_as_python_writes_it(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    written = method(run("ip.parse_addr", str(address)), "string")
    assert written == str(mapped or address)
    assert re.fullmatch("[0-9a-f:.]+", written)
