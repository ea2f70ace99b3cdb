"""Connections to the API server that end at once where a request or an answer is broken off.

A farewell by TLS would wait for that of the other side: for half a minute with one that is gone, and in any case for
longer than the event loop of a command lives.
"""

from __future__ import annotations

from typing import Any

import aiohttp


class Connector(aiohttp.TCPConnector):
    """`should_close` is what aiohttp says of a connection whose request or answer is not whole."""

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if should_close:
            protocol.abort()
        super()._release(key, protocol, should_close=should_close)
