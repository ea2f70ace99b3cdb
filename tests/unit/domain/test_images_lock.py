"""The ImagesLock of a bundle, and what says where its images lie."""

from __future__ import annotations

import pytest
import yaml

from packhouse.domain.images_lock import locations_tag, read_locations, read_lock

ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
HEAD = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
LOCK = f"""---
{HEAD}images:
- annotations:
    kbld.carvel.dev/id: nginx:1.27
    kbld.carvel.dev/origins: |
      - resolved:
          tag: "1.27"
          url: nginx:1.27
  image: index.docker.io/library/nginx@{ONE}
- image: ghcr.io/demo/web@{TWO}
"""


def test_the_images_of_a_lock_move_and_all_else_stays() -> None:
    lock = read_lock(LOCK.encode())
    assert lock is not None
    assert (lock.digests, lock.is_within("mirror.test/b")) == ([ONE, TWO], False)
    moved = lock.moved_to("mirror.test/b")
    before, after = yaml.safe_load(LOCK), yaml.safe_load(moved)
    assert [entry["image"] for entry in after["images"]] == [f"mirror.test/b@{ONE}", f"mirror.test/b@{TWO}"]
    assert after["images"][0]["annotations"] == before["images"][0]["annotations"]
    assert list(after) == list(before)
    again = read_lock(moved)
    assert again is not None
    assert again.is_within("mirror.test/b")


def test_an_image_is_known_by_its_reference_however_written_and_by_its_original_name() -> None:
    lock = read_lock(LOCK.encode())
    assert lock is not None
    assert lock.names("mirror.test/b") == {
        "nginx:1.27": f"mirror.test/b@{ONE}",
        f"index.docker.io/library/nginx@{ONE}": f"mirror.test/b@{ONE}",
        f"docker.io/library/nginx@{ONE}": f"mirror.test/b@{ONE}",
        f"ghcr.io/demo/web@{TWO}": f"mirror.test/b@{TWO}",
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"images:\n- image: a.test/b@{ONE}\n", id="a file that does not say what it is"),
        pytest.param(f"{HEAD}spec:\n  images:\n  - image: a.test/b@{ONE}\n", id="the list under spec"),
        pytest.param(f"{HEAD}images:\n- image: a.test/b:1@{ONE}\n", id="a tag beside the digest"),
    ],
)
def test_older_forms_are_read_and_keep_their_form(body: str) -> None:
    lock = read_lock(body.encode())
    assert lock is not None
    assert yaml.safe_load(lock.moved_to("m.test/c")) == yaml.safe_load(
        body.replace("a.test/b:1@", "m.test/c@").replace("a.test/b@", "m.test/c@")
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param(HEAD, id="no image"),
        pytest.param(f"{HEAD}images: []\n", id="an empty list"),
        pytest.param(f"{HEAD}images:\n- image: nginx:1.27\n", id="a tag"),
        pytest.param(f"{HEAD}images:\n- image: https://a@{ONE}\n", id="no reference"),
        pytest.param(f"{HEAD}images:\n- {{}}\n", id="no image in an entry"),
        pytest.param(f"{HEAD}images: nginx@{ONE}\n", id="no list"),
        pytest.param(f"{HEAD}images: [x]\n", id="no map"),
        pytest.param(f"kind: ConfigMap\napiVersion: v1\nimages:\n- image: a.test/b@{ONE}\n", id="another kind"),
        pytest.param(f"{LOCK}\n{LOCK}", id="two documents"),
        pytest.param("a: [", id="no yaml"),
        pytest.param("- a", id="a list"),
    ],
)
def test_what_is_no_lock_is_none(body: str) -> None:
    assert read_lock(body.encode()) is None


def test_bytes_that_are_no_text_are_none() -> None:
    assert read_lock(b"\xff") is None
    assert read_locations(b"\xff") == frozenset()


def test_locations_list_digests_under_a_tag_of_the_bundle() -> None:
    locations = f"""---
apiVersion: imgpkg.carvel.dev/v1alpha1
kind: ImageLocations
images:
- image: ghcr.io/demo/web@{ONE}
  isBundle: false
- image: ghcr.io/demo/nested@{TWO}
  isBundle: true
- image: "no reference at all"
"""
    assert read_locations(locations.encode()) == {ONE, TWO}
    assert read_locations(locations.replace("ImageLocations", "Other").encode()) == frozenset()
    assert locations_tag(ONE) == f"sha256-{'1' * 64}.image-locations.imgpkg"
