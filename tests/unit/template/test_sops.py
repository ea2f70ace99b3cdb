"""The step sops through the pipeline. Real: sops (the program), which encrypts; age keys; the pipeline and its engines.
Asserted: what it decrypts is what sops itself decrypts, what was changed is refused, and that no message says a value.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from packhouse.api.errors import PackhouseError, RenderedInvalid, TemplateFailed, UnsupportedStep
from packhouse.ports import Json, Outside
from packhouse.settings import Settings
from packhouse.template.documents import Folder, OutputMeter, StepInput
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render
from packhouse.template.sops.engine import run
from packhouse.template.sops.go_scalars import floating, plain_scalar
from render_jobs import config_map, job

LIMITS = Limits.from_settings(Settings())
SECRET = "Secret age"
STEP: Json = {"age": {"privateKeysSecretRef": {"name": "age"}}}
SOPS: Json = {"sops": STEP}

Encrypt = Callable[..., str]


class Key:
    """An age key, as age-keygen writes it."""

    def __init__(self) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.recipient = str(identity.to_public())
        self.private = str(identity)
        self.file = f"# created: 2026-01-01T00:00:00Z\n# public key: {self.recipient}\n{self.private}\n".encode()


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture
def encrypt(sops: Path, key: Key, tmp_path: Path) -> Encrypt:
    """`encrypt(name, text, **rule)`: what the program makes of a file, by a rule as .sops.yaml has it."""

    def run(name: str, text: str | bytes, **rule: Any) -> str:
        (tmp_path / "rules.yaml").write_text(json.dumps({"creation_rules": [{"age": key.recipient, **rule}]}))
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        command = [sops, "--config", "rules.yaml", "encrypt", name]
        done = subprocess.run(command, cwd=tmp_path, env={"HOME": "/"}, capture_output=True, timeout=60, check=True)
        return done.stdout.decode()

    return run


@pytest.fixture
def decrypt(sops: Path, key: Key, tmp_path: Path) -> Callable[[str, str], bytes]:
    """What the program itself decrypts."""

    def run(name: str, text: str) -> bytes:
        (tmp_path / name).write_text(text)
        environment = {"HOME": "/", "SOPS_AGE_KEY": key.private}
        command = [sops, "decrypt", name]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=True
        ).stdout

    return run


def outside(keys: Mapping[str, bytes]) -> Outside:
    return Outside(references={("Secret", "age"): keys})


def folder(files: Mapping[str, str], keys: Mapping[str, bytes] | Key, options: Json = STEP) -> Folder:
    """What the step makes of files."""
    step = StepInput(
        files={name: text.encode() for name, text in files.items()},
        previous=None,
        values={},
        values_documents=(),
        context={},
        meter=OutputMeter(LIMITS),
        outside=outside({"keys.txt": keys.file} if isinstance(keys, Key) else keys),
    )
    return run(step, options)


def numbers(value: Any) -> Any:
    """Numbers as numbers: sops writes large ones in a way that YAML reads as texts."""
    if isinstance(value, dict):
        return {name: numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    try:
        return value if isinstance(value, bool | None) else float(value)
    except (TypeError, ValueError):
        return value


# ---- files in each form ----------------------------------------------------------------------------------

EVERYTHING = """# the head, and ä
text: a text
quoted: "yes"
yes_is_text: yes
nothing: null
empty: ""
truth: true
int: -17
octal: 0o17
old_octal: 0777
hex: 0x10
spaced: 1_000
float: 1.50
exponent: 1e3
large: 123456789012345678901234567890.0
infinite: .inf
day: 2024-01-02
moment: 2024-1-2T3:4:5.120Z
moment_there: 2001-12-14t21:59:43.10-05:00
blank_moment: 2001-12-14 21:59:43.10
block: |
  one
  two: [x]
folded: >-
  some words
  in lines
unicode: "\u2028 \\U0001F600 \\x07 ünï"
deep: # beside
  # in deep
  list: [1, two, {three: 3, four_unencrypted: 4}]
  open_unencrypted: {a: 1, b: 2024-01-02, c: "1", d: no}
  # the foot of deep
items:
# before one
- one # beside one
# before two
- two
- x: 1
  # in a map
  y: 2
- - nested
---
second: a document
# the end
"""
COMMENTS = (
    "the head, and ä",
    "beside",
    "in deep",
    "the foot of deep",
    "before one",
    "before two",
    "in a map",
    "the end",
)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({}, id="all but a suffix"),
        pytest.param({"unencrypted_suffix": "_text"}, id="another suffix"),
        pytest.param({"encrypted_suffix": "t"}, id="a suffix"),
        pytest.param({"encrypted_regex": "^(text|block|deep)$"}, id="some keys"),
        pytest.param({"unencrypted_regex": "^(deep|items|i.*|day|moment.*)$"}, id="all but some keys"),
        pytest.param({"encrypted_regex": "^block$", "mac_only_encrypted": True}, id="the sum over one value"),
        pytest.param({"mac_only_encrypted": True}, id="the sum over encrypted values"),
        pytest.param({"encrypted_comment_regex": "before two|in deep"}, id="by comments"),
        pytest.param({"unencrypted_comment_regex": "before|beside"}, id="all but by comments"),
    ],
)
def test_yaml_is_what_sops_itself_decrypts(
    encrypt: Encrypt, decrypt: Callable[[str, str], bytes], key: Key, rule: Json
) -> None:
    encrypted = encrypt("a.yaml", EVERYTHING, **rule)
    expected = list(yaml.safe_load_all(decrypt("b.yaml", encrypted)))
    ours = folder({"a.sops.yaml": encrypted}, key).files["a.yaml"].decode()
    assert numbers(expected) == numbers(list(yaml.safe_load_all(ours)))
    assert "ENC[" not in ours
    comments = [
        "the head, and ä",
        "beside",
        "in deep",
        "the foot of deep",
        "before one",
        "before two",
        "in a map",
        "the end",
    ]
    assert [comment for comment in comments if f"# {comment}" not in ours] == []


def test_what_is_not_encrypted_stays_byte_for_byte(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "open: [a,   b]\nsecret: x\nlast: 'y'  # z\n", encrypted_regex="^secret$")
    plain, _, _ = encrypted.partition("sops:")
    ours = folder({"a.sops.yaml": encrypted}, key).files["a.yaml"].decode()
    assert re.sub(r"ENC\[[^]]*\]", '"x"', plain) == ours


JSON = '{"a": 1, "b": "x<y", "c": [1, 2.5, {"d": true}], "e": null, "f": 12345678901234567890, "g_unencrypted": 1.0}'


@pytest.mark.parametrize(
    ("name", "target", "content"),
    [
        pytest.param("a.json", "a.json", JSON, id="json"),
        pytest.param("a.json", "a.json", '{"u": "ü", "n": -0.0, "big": 1e300, "small": 1e-7}', id="json numbers"),
        pytest.param("a.env", "a.env", "# a comment\nA=1\nB=two words=3\nC_unencrypted=x\nD=\n", id="env"),
        pytest.param("a.txt", "a.txt", "any\ntext: [\n", id="a text"),
        pytest.param("a.bin", "a.bin", b"\0\xff\1binary\n", id="bytes"),
        pytest.param("a", "a", "no suffix", id="without a suffix"),
    ],
)
def test_files_of_other_forms_are_what_sops_itself_decrypts(
    encrypt: Encrypt,
    decrypt: Callable[[str, str], bytes],
    key: Key,
    name: str,
    target: str,
    content: str | bytes,
) -> None:
    encrypted = encrypt(name, content)
    stem, dot, suffix = name.partition(".")
    made = folder({f"x/{stem}.sops{dot}{suffix}": encrypted}, key)
    assert made.secret_files == {f"x/{target}"} == set(made.files)
    ours, expected = made.files[f"x/{target}"], decrypt(name, encrypted)
    if suffix == "json":
        assert numbers(json.loads(expected)) == numbers(json.loads(ours))
    else:
        assert expected == ours


def test_only_files_that_are_named_so_are_decrypted_and_the_encrypted_ones_are_gone(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "a: 1\n")
    files = {
        "a.sops.yml": encrypted,
        "b/c.sops.yaml": encrypted,
        "named.yaml": encrypted,
        "left.yaml": encrypted,
        ".sops.yaml": "creation_rules: []\n",
        "plain.yml": "b: 1\n",
        "d.sopsy.yml": "c: 1\n",
    }
    made = folder(files, key, {**STEP, "paths": [".", "named.yaml", "a.sops.yml"]})
    assert made.secret_files == {"a.yml", "b/c.yaml", "named.yaml"}
    assert {name: made.files[name] for name in made.secret_files} == dict.fromkeys(made.secret_files, b"a: 1\n")
    assert set(made.files) - made.secret_files == {"left.yaml", ".sops.yaml", "plain.yml", "d.sopsy.yml"}
    within = folder(files, key, {**STEP, "paths": ["b"]})
    assert within.secret_files == {"b/c.yaml"}


# ---- keys ------------------------------------------------------------------------------------------------


def test_any_key_of_the_secret_opens_a_file(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "a: 1\n")
    two = f"{Key().private}\n\n  {key.private}  \n".encode()
    for keys in ({"other.agekey": Key().file, "own.agekey": key.file}, {"keys": two}):
        assert folder({"a.sops.yaml": encrypted}, keys).files == {"a.yaml": b"a: 1\n"}


def test_a_file_for_several_people_is_opened_by_one_of_them(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "a: 1\n", age=f"{Key().recipient},{key.recipient}")
    assert folder({"a.sops.yaml": encrypted}, key).files == {"a.yaml": b"a: 1\n"}


def test_an_ssh_key_opens_what_is_encrypted_for_it(encrypt: Encrypt) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    encrypted = encrypt("a.yaml", "a: 1\n", age=public.decode())
    assert folder({"a.sops.yaml": encrypted}, {"id_ed25519": text}).files == {"a.yaml": b"a: 1\n"}


def test_another_key_is_refused_and_the_message_says_which_would_do(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "a: 1\n")
    with pytest.raises(TemplateFailed) as refused:
        folder({"b/a.sops.yaml": encrypted}, Key())
    assert refused.value.message.startswith(
        f"template step sops: b/a.sops.yaml: no key of {SECRET} opens it; it is encrypted for {key.recipient}: "
    )


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({}, TemplateFailed, "Secret age holds no age key"),
        ({"a": b"# nothing\n"}, TemplateFailed, "Secret age holds no age key"),
        ({"a": b"# one\nAGE-SECRET-KEY-1WRONGWRONG\n"}, TemplateFailed, "Secret age key a line 2 is no age key"),
        ({"a": b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END"}, TemplateFailed, "Secret age key a is no ssh key"),
        ({"a": b"AGE-PLUGIN-YUBIKEY-1WRONG\n"}, UnsupportedStep, "line 1: keys of age plugins"),
        ({"a": b"AGE-SECRET-KEY-PQ-1WRONG\n"}, UnsupportedStep, "line 1: keys of age plugins"),
        ({"a": b"\xff\xfe"}, TemplateFailed, "Secret age key a line 1 is no age key"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_being_said(
    keys: Mapping[str, bytes], error: type[PackhouseError], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        folder({"a.sops.yaml": "a: 1\n"}, keys)
    assert "WRONG" not in refused.value.message


# ---- what was changed ------------------------------------------------------------------------------------

PLAIN = "password: hunter22hunter\nother: hunter33hunter\nopen_unencrypted: hunter44hunter\nlist: [a, b]\n"


def swapped(text: str) -> str:
    """The encrypted values of two keys, each in the other's place."""
    found = re.findall(r"^(password|other): (ENC\[.*\])$", text, re.MULTILINE)
    (_, first), (_, second) = found
    return text.replace(first, "#").replace(second, first).replace("#", second)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(swapped, "the value of password cannot be decrypted", id="two values swapped"),
        pytest.param(
            lambda text: re.sub(r"password: ENC\[AES256_GCM,data:..", "password: ENC[AES256_GCM,data:AA", text),
            "the value of password cannot be decrypted",
            id="a value",
        ),
        pytest.param(
            lambda text: re.sub(r"password: .*", "password: hunter55hunter", text),
            "the value of password cannot be decrypted",
            id="a value in the open",
        ),
        pytest.param(
            lambda text: re.sub(r"password: .*", "password: 5", text),
            "the value of password cannot be decrypted",
            id="a number in the open",
        ),
        pytest.param(lambda text: text.replace("hunter44", "hunter55"), "the sum over its values differs", id="open"),
        pytest.param(
            lambda text: re.sub(r"password: .*\n", "", text), "the sum over its values differs", id="a value is gone"
        ),
        pytest.param(
            lambda text: re.sub(r"password: .*", 'password: ""', text),
            "the sum over its values differs",
            id="a value is emptied",
        ),
        pytest.param(
            lambda text: "added_unencrypted: x\n" + text, "the sum over its values differs", id="a value is added"
        ),
        pytest.param(
            lambda text: re.sub(r"( +- ENC.*\n)( +- ENC.*\n)", r"\2\1", text),
            "the sum over its values differs",
            id="a list in another order",
        ),
        pytest.param(
            lambda text: re.sub(r"mac: ENC\[AES256_GCM,data:..", "mac: ENC[AES256_GCM,data:AA", text),
            "the sum over its values differs",
            id="the sum",
        ),
        pytest.param(lambda text: re.sub(r" *mac: .*\n", "", text), "the sum over its values differs", id="no sum"),
        pytest.param(
            lambda text: re.sub(r"lastmodified: .*\n", 'lastmodified: "2020-01-01T00:00:00Z"\n', text),
            "the sum over its values differs",
            id="the time of the sum",
        ),
        pytest.param(
            lambda text: text.replace("unencrypted_suffix: _unencrypted", "unencrypted_suffix: password"),
            "cannot be decrypted|the sum over its values differs",
            id="the rule",
        ),
        pytest.param(
            lambda text: text.replace("    version:", "    mac_only_encrypted: true\n    version:"),
            "the sum over its values differs",
            id="what the sum is over",
        ),
        pytest.param(lambda text: text.partition("sops:")[0], "it is not encrypted by sops", id="no metadata"),
        pytest.param(
            lambda text: text.replace("    version:", "    encrypted_regex: x\n    version:"),
            "more than one rule",
            id="two rules",
        ),
        pytest.param(
            lambda text: text.replace("unencrypted_suffix: _unencrypted", "unencrypted_regex: '['"),
            "unencrypted_regex is no regular expression",
            id="a bad rule",
        ),
        pytest.param(lambda text: text.replace("other:", "password:"), "duplicate key", id="a key twice"),
        pytest.param(lambda text: text.replace("other: ", "other: &a "), "", id="an anchor that nobody uses"),
        pytest.param(lambda text: "a: &a {x: 1}\nb: *a\n" + text, "line 2: sops knows no aliases", id="an alias"),
        pytest.param(lambda text: "- a\n---\n" + text, "it is not encrypted by sops", id="a list"),
        pytest.param(lambda text: text + "---\n- a\n", "must be maps in block style", id="a list behind it"),
        pytest.param(lambda text: text + "---\na\n", "must be maps in block style", id="a text behind it"),
        pytest.param(lambda text: text + "---\na: 1\n", "the value of a cannot be", id="a document behind it"),
        pytest.param(lambda text: text + "---\n", "", id="nothing behind it"),
        pytest.param(lambda text: "a: !!binary aGk=\n" + text, "a tag is not supported", id="a tag"),
        pytest.param(lambda text: "a: [\n", "no valid YAML", id="no YAML"),
        pytest.param(lambda text: "1: a\n" + text, "a key must be a string", id="a key that is a number"),
    ],
)
def test_what_was_changed_after_it_was_encrypted_is_refused(
    encrypt: Encrypt, key: Key, change: Callable[[str], str], message: str
) -> None:
    encrypted = encrypt("a.yaml", PLAIN)
    assert folder({"a.sops.yaml": encrypted}, key)
    changed = change(encrypted)
    assert changed != encrypted
    if not message:
        assert folder({"a.sops.yaml": changed}, key)
        return
    with pytest.raises(TemplateFailed, match=message) as refused:
        folder({"a.sops.yaml": changed}, key)
    assert refused.value.message.startswith("template step sops: a.sops.yaml:")
    assert "hunter" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "content", "change", "message"),
    [
        ("a.json", JSON, lambda text: text.replace('"g_unencrypted": 1', '"g_unencrypted": 2'), "the sum"),
        ("a.json", JSON, lambda text: text.replace('"a": "', '"a": "x'), "the value of a cannot be decrypted"),
        ("a.json", JSON, lambda text: text.replace('"b":', '"a":'), "a key stands twice"),
        ("a.json", JSON, lambda text: text + "x", "it is no JSON"),
        ("a.json", JSON, lambda text: "[1]", "it is no map"),
        ("a.json", JSON, lambda text: '{"a": NaN}', "it is no JSON"),
        ("a.json", JSON, lambda text: '{"a": ' + "[" * 100_000, "it is no JSON"),
        (
            "a.json",
            JSON,
            lambda text: text.replace("{", '{"deep": ' + "[" * 450 + "]" * 450 + ",", 1),
            "nests too deep",
        ),
        ("a.env", "A=1\nB_unencrypted=2\n", lambda text: text.replace("=2", "=3"), "the sum"),
        ("a.env", "A=1\n", lambda text: text + "junk\n", "a line is neither a comment nor KEY=value"),
        ("a.env", "A=1\n", lambda text: "A=1\n", "it is not encrypted by sops"),
        ("a.bin", "x", lambda text: text.replace('"data"', '"date"'), "cannot be decrypted"),
        ("a.bin", "x", lambda text: '{"data": "x"}', "it is not encrypted by sops"),
    ],
)
def test_what_was_changed_in_other_forms_is_refused(
    encrypt: Encrypt, key: Key, name: str, content: str, change: Callable[[str], str], message: str
) -> None:
    changed = change(encrypt(name, content))
    with pytest.raises(TemplateFailed, match=message):
        folder({name.replace(".", ".sops."): changed}, key)


def test_a_comment_that_was_changed_stays_as_it_is(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "# a comment\na: 1\n")
    changed = re.sub(r"^#ENC\[AES256_GCM,data:..", "#ENC[AES256_GCM,data:AA", encrypted)
    ours = folder({"a.sops.yaml": changed}, key).files["a.yaml"].decode()
    assert ours.endswith("a: 1\n")
    assert ours.startswith("#ENC[")


@pytest.mark.parametrize(
    ("files", "options", "error", "message"),
    [
        ({}, {"pgp": {"privateKeysSecretRef": {"name": "x"}}}, UnsupportedStep, "pgp is not supported"),
        ({}, {}, TemplateFailed, "name the Secret with the private keys in age.privateKeysSecretRef"),
        ({}, {**STEP, "paths": ["-"]}, TemplateFailed, "not the output of a step"),
        ({"a.yml": ""}, {**STEP, "paths": ["b.yml"]}, TemplateFailed, "path 'b.yml' names no file"),
        ({"a.yml": ""}, {**STEP, "paths": ["a.yml"]}, TemplateFailed, "a.yml: it is not encrypted by sops"),
        ({"a.sops.ini": ""}, STEP, UnsupportedStep, "files of the form ini are not supported"),
        ({"a.sops.yml": "sops: {pgp: [{enc: x}]}"}, STEP, UnsupportedStep, "encrypted for pgp, and only age keys"),
        ({"a.sops.yml": "sops: {kms: [{}], azure_kv: [{}]}"}, STEP, UnsupportedStep, "for kms, azure_kv, and only"),
        ({"a.sops.yml": "sops: {}"}, STEP, UnsupportedStep, "encrypted for nobody"),
        ({"a.sops.yml": "sops: {key_groups: [{}, {}]}"}, STEP, UnsupportedStep, "keys of several groups"),
        ({"a.sops.yml": "sops: {age: [{enc: x}, 1]}"}, STEP, TemplateFailed, "no key of Secret age opens it"),
    ],
)
def test_what_cannot_be_done_is_said(files: Any, options: Json, error: type[Exception], message: str, key: Key) -> None:
    with pytest.raises(error, match=message):
        folder(files, key, options)


def test_a_file_does_not_take_the_place_of_another(encrypt: Encrypt, key: Key) -> None:
    encrypted = encrypt("a.yaml", "a: 1\n")
    with pytest.raises(TemplateFailed, match=r"a\.sops\.yml: it becomes a\.yml, and the package has such a file"):
        folder({"a.sops.yml": encrypted, "a.yml": "b: 1\n"}, key)


# ---- together with other steps ---------------------------------------------------------------------------


def rendered(files: Mapping[str, str], *steps: Json, key: Key, **told: Any) -> Any:
    asked = replace(job(files, steps=steps, **told), outside=outside({"k": key.file}))
    return render(asked, LIMITS).objects


#: Of ytt's own. Sops takes `---` away, so that nothing in an encrypted file can be annotated as a document.
DATA_VALUES = "#@data/values\n---\npassword: ''\n"


def test_a_secret_reaches_every_engine_and_a_package_without_any(encrypt: Encrypt, key: Key) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter22hunter}\n"
    files = {
        "plain.sops.yml": encrypt("a.yml", secret, encrypted_regex="^(data|stringData)$"),
    }
    [found] = rendered(files, SOPS, key=key)
    assert found["stringData"] == {"password": "hunter22hunter"}

    values = encrypt("v.yml", "password: hunter22hunter\n")
    files = {
        "values.sops.yml": values,
        "a/defaults.yml": DATA_VALUES,
        "a/a.yml": '#@ load("@ytt:data", "data")\n---\n' + config_map(password="#@ data.values.password"),
    }
    step = {"ytt": {"paths": ["a"], "valuesFrom": [{"path": "values.yml"}]}}
    [found] = rendered(files, SOPS, step, key=key)
    assert found["data"] == {"password": "hunter22hunter"}

    files = {"values.sops.yml": values, "a/a.yml": config_map(password="{{ values.password }}")}
    step = {"jinja2": {"paths": ["a"], "valuesFrom": [{"path": "values.yml"}]}}
    [found] = rendered(files, SOPS, step, key=key)
    assert found["data"] == {"password": "hunter22hunter"}


def test_a_chart_takes_values_that_were_encrypted(encrypt: Encrypt, key: Key, helm: Path) -> None:
    files = {
        "values.sops.yml": encrypt("v.yml", "password: hunter22hunter\n"),
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "web/templates/a.yaml": config_map(password="{{ .Values.password }}"),
        "web/templates/b.yaml": "{{ if .Values.why }}{{ fail .Values.password }}{{ end }}",
    }
    step = {"helmTemplate": {"path": "web", "valuesFrom": [{"path": "values.yml"}]}}
    limits = replace(LIMITS, helm_program=str(helm))
    asked = replace(job(files, steps=[SOPS, step]), outside=outside({"k": key.file}))
    assert render(asked, limits).objects[0]["data"] == {"password": "hunter22hunter"}
    files["web/values.yaml"] = "why: true\n"
    with pytest.raises(TemplateFailed, match=r"web/templates/b.yaml:1:\d+\): \(a value\)"):
        render(replace(asked, files={name: text.encode() for name, text in files.items()}), limits)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([{"ytt": {}}], id="ytt"),
        pytest.param([{"jinja2": {"paths": ["a.yml"]}}], id="jinja2"),
        pytest.param([{"kbld": {}}], id="kbld"),
        pytest.param([], id="no other"),
    ],
)
@pytest.mark.parametrize(
    "secret",
    [
        "x: hunter22hunter\ny: {z: hunter22hunter}\n",
        "kind: A\nmetadata: {name: {hunter: hunter22hunter}}\n",
        "#@ x = 'hunter22hunter' + 1\nx: '{{ hunter22hunter.x }}'\n",
        "#@ x = {'hunter22hunter'}\nx: '{{ hunter22hunter hunter22hunter }}'\n",
        "#@ x = {}['hunter22hunter']\nx: '{{ values[\"hunter22hunter\"].x }} hunter22hunter'\n",
        "apiVersion: v1\nkind: A\nmetadata: {name: a, labels: [hunter22hunter]}\n",
    ],
)
def test_no_message_of_a_later_step_shows_what_was_encrypted(
    encrypt: Encrypt, key: Key, steps: list[Json], secret: str
) -> None:
    with pytest.raises((TemplateFailed, RenderedInvalid)) as refused:
        rendered({"a.sops.yml": encrypt("a.yml", secret)}, SOPS, *steps, key=key)
    assert "hunter22" not in refused.value.message


def test_sops_behind_a_step_that_gives_documents_is_refused(key: Key) -> None:
    with pytest.raises(TemplateFailed, match="let it be the first of the steps"):
        rendered({"a.yml": config_map()}, {"ytt": {}}, SOPS, key=key)


# ---- how a sum spells what is not encrypted ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("a", "a"), ("yes", "yes"), ("True", "True"), ("false", "False"), (".nan", "NaN"), ("-.Inf", "-Inf"),
        ("0", "0"), ("-0", "0"), ("+7", "7"), ("017", "15"), ("0o17", "15"), ("0b11", "3"), ("-0x1F", "-31"),
        ("1_0", "10"), ("08", "8"), ("0_8", "8"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("18446744073709551616", "18446744073709552000"),
        ("1.0", "1"), ("1.50", "1.5"), ("1e3", "1000"), ("1E-7", "0.0000001"), (".5", "0.5"), ("5.", "5"),
        ("-1.5e+2", "-150"), ("1.2.3", "1.2.3"), ("1e", "1e"), ("-", "-"), ("+", "+"), (".", "."), ("0x", "0x"),
        ("2024-01-02", "2024-01-02T00:00:00Z"), ("2024-1-2", "2024-01-02T00:00:00Z"), ("2024-13-01", "2024-13-01"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"), ("2024-1-2t3:4:5.50+02:00", "2024-01-02T03:04:05.5+02:00"),
        ("2024-01-02 03:04:05", "2024-01-02T03:04:05Z"), ("2024-01-02 03:04:05 Z", "2024-01-02 03:04:05 Z"),
        ("22:22", "22:22"), ("1,000", "1,000"),
    ],
)  # fmt: skip
def test_plain_scalars_are_spelled_as_go_spells_them(text: str, spelled: str) -> None:
    assert plain_scalar(text) == spelled.encode()


def test_numbers_that_sops_cannot_hold_have_no_spelling() -> None:
    assert plain_scalar("9223372036854775808") is None
    assert floating(float("-inf")) == b"-Inf"
    assert floating(-0.0) == b"-0"


def test_digits_without_an_end_are_a_text() -> None:
    assert plain_scalar("1" * 5000) == b"1" * 5000
