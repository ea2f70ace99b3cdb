"""A token service for registries, on loopback: gives signed tokens (JWT, ES256) to those who may have them.

    with TokenServer(users={"ada": "pw"}, grants={"ada": ["team/*"]}, folder=tmp_path) as tokens:
        with open_registry(token=tokens.registry_config) as registry: ...

It speaks both forms of the protocol: GET with basic authentication, and POST with a refresh token (an identity token).
The registry itself checks signature, issuer, audience, times and access, as in production.
"""

from __future__ import annotations

import base64
import http.server
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER, SERVICE, KEY_ID = "tokens of a test", "registry of a test", "one"


@dataclass(slots=True)
class TokenServer:
    """`grants`: user -> globs of repositories that the user may read and write; "" is who says no name.

    `identities`: identity token -> user. `asked`: "METHOD user" of the requests so far.
    """

    folder: Path
    users: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _key: ec.EllipticCurvePrivateKey = field(init=False, repr=False)
    _server: http.server.ThreadingHTTPServer = field(init=False, repr=False)
    _thread: threading.Thread = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> TokenServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def registry_config(self) -> dict[str, str]:
        """What the distribution registry has under auth.token."""
        numbers = self._key.public_key().public_numbers()
        place = {"x": _word(numbers.x.to_bytes(32)), "y": _word(numbers.y.to_bytes(32))}
        keys = {"keys": [{"kty": "EC", "crv": "P-256", "kid": KEY_ID, "alg": "ES256", "use": "sig", **place}]}
        (self.folder / "jwks.json").write_text(json.dumps(keys))
        return {
            "realm": f"http://127.0.0.1:{self._server.server_port}/token",
            "service": SERVICE,
            "issuer": ISSUER,
            "jwks": str(self.folder / "jwks.json"),
        }

    def token(self, user: str, scope: str) -> str:
        """A signed token for what the user may do of `scope` (repository:team/app:pull,push)."""
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        allowed = any(fnmatchcase(name, glob) for glob in self.grants.get(user, ()))
        access = [{"type": kind, "name": name, "actions": actions.split(",") if allowed else []}] if scope else []
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "nbf": now - 10, "iat": now, "exp": now + 300}
        claims |= {"jti": secrets.token_hex(8), "access": access}
        header = {"typ": "JWT", "alg": "ES256", "kid": KEY_ID}
        body = f"{_word(json.dumps(header).encode())}.{_word(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{body}.{_word(r.to_bytes(32) + s.to_bytes(32))}"


def _word(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _handler(tokens: TokenServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            kind, _, word = self.headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(word).decode().partition(":") if kind == "Basic" else ("", "", "")
            tokens.asked.append(f"GET {user}")
            if user and tokens.users.get(user) != password:
                return self.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            return self.answer(200, {"token": tokens.token(user, query.get("scope", ""))})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {key: values[0] for key, values in parse_qs(body).items()}
            user = tokens.identities.get(form.get("refresh_token", ""))
            tokens.asked.append(f"POST {user}")
            if form.get("grant_type") != "refresh_token" or not form.get("client_id") or user is None:
                return self.answer(400, {"error": "invalid_grant"})
            return self.answer(200, {"access_token": tokens.token(user, form.get("scope", "")), "token_type": "Bearer"})

        def answer(self, status: int, document: Any) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
