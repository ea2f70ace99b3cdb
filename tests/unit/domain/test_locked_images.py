"""What a copy reads of an ImagesLock, and the ImageLocations that it writes."""

from __future__ import annotations

import pytest

from packhouse.api.errors import FetchFailed
from packhouse.domain.images_lock import image_tag, locked_images, read_locations, write_locations

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HEAD = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(HEAD, [], id="no images"),
        pytest.param(f"{HEAD}images: []", [], id="an empty list"),
        pytest.param(f"{HEAD}images: [{{image: ghcr.io/a@{ONE}}}]", [("ghcr.io/a", ONE, {})], id="one"),
        pytest.param(
            f"images: [{{image: ghcr.io/a@{ONE}}}]", [("ghcr.io/a", ONE, {})], id="that needs not say what it is"
        ),
        pytest.param(
            f"{HEAD}spec: {{images: [{{image: ghcr.io/a@{ONE}}}]}}", [("ghcr.io/a", ONE, {})], id="the first form"
        ),
        pytest.param(
            f"{HEAD}images: [{{image: nginx@{ONE}}}]", [("docker.io/library/nginx", ONE, {})], id="a short name"
        ),
        pytest.param(
            f"{HEAD}images:\n- image: ghcr.io/a@{ONE}\n  annotations: {{x: 1}}\n- image: ghcr.io/a@{ONE}\n"
            f"- image: ghcr.io/b@{TWO}\n",
            [("ghcr.io/a", ONE, {"x": "1"}), ("ghcr.io/b", TWO, {})],
            id="one that comes twice",
        ),
    ],
)
def test_a_copy_knows_all_images_of_a_lock(text: str, expected: list[tuple[str, str, dict[str, str]]]) -> None:
    found = locked_images(text.encode(), "the lock")
    assert [(one.reference.repository, one.digest, dict(one.annotations)) for one in found] == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}images: [{{image: ghcr.io/a:1}}]", id="a tag"),
        pytest.param(f"{HEAD}images: [{{image: oci-layout:///etc/x@{ONE}}}]", id="a path"),
        pytest.param(f"{HEAD}images: [{{image: 'https://ghcr.io/a@{ONE}'}}]", id="a url"),
        pytest.param(f"{HEAD}images: [{{name: x}}]", id="no image"),
        pytest.param(f"{HEAD}images: [1]", id="a number"),
        pytest.param(f"{HEAD}images: {{a: 1}}", id="a map"),
        pytest.param(f"kind: Other\napiVersion: v1\nimages: [{{image: ghcr.io/a@{ONE}}}]", id="another kind"),
        pytest.param("a: [", id="no YAML"),
        pytest.param("", id="nothing"),
        pytest.param("a: &a [x]\nb: &b [*a, *a]\n" + "c: 1\n" * 2 + "images: {", id="cut off"),
    ],
)
def test_a_lock_that_leaves_an_image_open_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(FetchFailed, match="the lock is no ImagesLock"):
        locked_images(text.encode(), "the lock")


def test_locations_that_were_written_are_read_again() -> None:
    body = write_locations([(f"ghcr.io/a@{ONE}", True), (f"ghcr.io/b@{TWO}", False)])
    assert body.decode() == (
        f"---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n- image: ghcr.io/a@{ONE}\n  isBundle: true\n"
        f"- image: ghcr.io/b@{TWO}\n  isBundle: false\nkind: ImageLocations\n"
    )
    assert read_locations(body) == {ONE, TWO}
    assert image_tag(ONE) == f"sha256-{'1' * 64}.imgpkg"
