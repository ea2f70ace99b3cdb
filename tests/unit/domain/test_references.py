"""Image references: what is read, and what is refused with which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.errors import InvalidSpec
from packhouse.domain.references import ImageReference, is_loopback, read_reference

DIGEST = "sha256:" + "a" * 64
READ = {
    "ghcr.io/team/app:1.0": ImageReference("ghcr.io", "team/app", "1.0", None),
    "ghcr.io/team/app": ImageReference("ghcr.io", "team/app", "latest", None),
    f"ghcr.io/team/app@{DIGEST}": ImageReference("ghcr.io", "team/app", None, DIGEST),
    f"ghcr.io/team/app:1.0@{DIGEST}": ImageReference("ghcr.io", "team/app", "1.0", DIGEST),
    "nginx": ImageReference("docker.io", "library/nginx", "latest", None),
    "team/app:2": ImageReference("docker.io", "team/app", "2", None),
    "index.docker.io/nginx": ImageReference("docker.io", "library/nginx", "latest", None),
    "localhost/app": ImageReference("localhost", "app", "latest", None),
    "localhost:5000/my.org/app": ImageReference("localhost:5000", "my.org/app", "latest", None),
    "127.0.0.1:5000/a/b/c:x": ImageReference("127.0.0.1:5000", "a/b/c", "x", None),
    "[::1]:5000/app:1": ImageReference("[::1]:5000", "app", "1", None),
    "GHCR.io/app": ImageReference("ghcr.io", "app", "latest", None),
    "oci-layout:///srv/web.tar": ImageReference("oci-layout://", "srv/web.tar", None, None),
    "oci-layout:///srv/Web_1:1.0": ImageReference("oci-layout://", "srv/Web_1", "1.0", None),
    f"oci-layout:///srv/web@{DIGEST}": ImageReference("oci-layout://", "srv/web", None, DIGEST),
    f"oci-layout:///srv/web:1@{DIGEST}": ImageReference("oci-layout://", "srv/web", "1", DIGEST),
}
REFUSED = {
    "": "the path must be",
    "https://ghcr.io/app": "has no scheme",
    "ghcr.io/App": "the path must be",
    "ghcr.io/": "the path must be",
    "ghcr.io//app": "the path must be",
    "ghcr.io/../app": "the path must be",
    "ghcr.io/app:": "the tag must be",
    "ghcr.io/app:a b": "the tag must be",
    f"ghcr.io/app:{'x' * 129}": "the tag must be",
    "ghcr.io/app@sha256:abc": "64 lower-case hex digits",
    "ghcr.io/app@sha512:" + "a" * 128: "64 lower-case hex digits",
    "host:99999/app": "is no host name with an optional port",
    "host:0/app": "is no host name with an optional port",
    "host:0443/app": "is no host name with an optional port",
    "-host.io/app": "is no host name with an optional port",
    "[zz]:5000/app": "is no host name",
    "[1:2]:5000/app": "is no IPv6 address",
    "ghcr.io/" + "a" * 256: "at most 255",
    "ghcr.io/app\n": "the path must be",
    "-o/x": "the path must be",
    "oci-layout://": "stands a whole path",
    "oci-layout://srv/web": "stands a whole path",
    "oci-layout:///": "stands a whole path",
    "oci-layout:///srv/../etc": "no . or .. as a part",
    "oci-layout:///srv/./web": "no . or .. as a part",
    "oci-layout:///srv//web": "between single slashes",
    "oci-layout:///srv/web/": "between single slashes",
    "oci-layout:///srv/a b": "letters, digits",
    "oci-layout:///srv/web\0": "letters, digits",
    "oci-layout:///srv/web\n": "letters, digits",
    "oci-layout:///srv/web:": "the tag must be",
    "oci-layout:///srv/web:a/b": "the tag must be",
    "oci-layout:///srv/web@sha256:abc": "64 lower-case hex digits",
    "oci-layout:///" + "a" * 1025: "stands a whole path",
}


@pytest.mark.parametrize("text", READ)
def test_a_reference_is_read_with_the_defaults_that_docker_users_expect(text: str) -> None:
    assert read_reference(text) == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_a_malformed_reference_is_refused_with_the_part_that_is_wrong(text: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_reference(text)
    assert REFUSED[text] in caught.value.message


def test_a_password_in_a_reference_is_not_repeated() -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_reference("ada:s3cret@ghcr.io/app")
    assert "s3cret" not in caught.value.message


@given(st.text(max_size=60))
def test_whatever_is_read_is_read_the_same_again_from_its_own_text(text: str) -> None:
    try:
        reference = read_reference(text)
    except InvalidSpec:
        return
    assert read_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:80", True),
        ("127.8.9.1:1", True),
        ("[::1]:80", True),
        ("::1", True),
        ("localhost.evil.io", False),
        ("10.0.0.1", False),
        ("127.0.0.1.evil.io:80", False),
    ],
)
def test_loopback_is_told_by_the_name_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
