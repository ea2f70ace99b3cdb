"""Tokens, keys and kubeconfigs as files. That Go reads the key is proved by the cluster's own tests."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from cluster.credentials import kubeconfig, new_caller, signing_key, token_file, write_private


def test_a_private_file_is_readable_by_its_owner_only_even_if_one_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old and much longer")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


def test_the_token_file_quotes_the_groups() -> None:
    caller = new_caller("admin", "system:masters", "other")
    assert token_file([caller]) == f'{caller.token},admin,admin,"system:masters,other"\n'


def test_callers_and_keys_are_never_the_same() -> None:
    assert new_caller("a").token != new_caller("a").token
    assert signing_key() != signing_key()


def test_the_key_is_a_sec1_envelope_of_the_curve_p256() -> None:
    lines = signing_key().splitlines()
    der = base64.b64decode("".join(lines[1:-1]))
    assert (lines[0], lines[-1]) == ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----")
    assert der[:7] == bytes.fromhex("30310201010420")
    assert (len(der), der[-12:]) == (51, bytes.fromhex("a00a06082a8648ce3d030107"))


def test_a_kubeconfig_needs_no_other_file(tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_bytes(b"certificate")
    caller = new_caller("admin")
    config = json.loads(kubeconfig("https://127.0.0.1:1", authority, caller))
    assert config["users"] == [{"name": "admin", "user": {"token": caller.token}}]
    assert base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]) == b"certificate"
    assert config["current-context"] == config["contexts"][0]["name"]
