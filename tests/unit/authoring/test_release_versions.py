"""Which version a release has, and how it gets into package.yaml."""

from __future__ import annotations

import pytest
import yaml

from packhouse.api.errors import InvalidSpec
from packhouse.authoring.versions import Part, bumped, chosen, rewritten
from packhouse.client.errors import Usage


@pytest.mark.parametrize(
    ("version", "major", "minor", "patch", "prerelease"),
    [
        ("1.2.3", "2.0.0", "1.3.0", "1.2.4", "1.2.4-rc.1"),
        ("1.2.4-rc.1", "2.0.0", "1.3.0", "1.2.4", "1.2.4-rc.2"),
        ("1.3.0-beta.9", "2.0.0", "1.3.0", "1.3.0", "1.3.0-beta.10"),
        ("0.1.0+vmware.1", "1.0.0", "0.2.0", "0.1.1", "0.1.1-rc.1"),
    ],
)
def test_a_version_goes_up_by_a_part_of_it(version: str, major: str, minor: str, patch: str, prerelease: str) -> None:
    assert [bumped(version, part) for part in Part] == [major, minor, patch, prerelease]


def test_without_a_word_the_version_of_the_package_is_released() -> None:
    assert chosen("1.2.3", "", "") == "1.2.3"
    assert chosen("1.2.3", "2.0.0-rc.1", "") == "2.0.0-rc.1"
    assert chosen("1.2.3", "", "minor") == "1.3.0"


@pytest.mark.parametrize(
    ("version", "bump", "words"),
    [
        ("1.0.0", "minor", "exclude each other"),
        ("v1.0", "", "no semantic version"),
        ("", "tiny", "no part of a version"),
    ],
)
def test_what_names_no_version_is_refused(version: str, bump: str, words: str) -> None:
    with pytest.raises(Usage, match=words):
        chosen("1.2.3", version, bump)


WRITTEN = """\
# kept
apiVersion: package.carvel.dev/v1alpha1
kind: Package
metadata: {name: web.example.com.1.2.3, labels: {version: 1.2.3}}
spec:   # as it is
    publicName:   web.example.com
    version:   %s   # the next one
    releaseNotes: |
      version: 1.2.3
"""


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_the_version_is_written_and_every_other_byte_stays(quote: str) -> None:
    before = WRITTEN % f"{quote}1.2.3{quote}"
    after = rewritten(before, yaml.safe_load(before), "1.3.0+a.1")
    assert after == (WRITTEN % f"{quote}1.3.0+a.1{quote}").replace(
        "name: web.example.com.1.2.3", "name: web.example.com.1.3.0--a.1"
    )


def test_lines_may_end_as_windows_has_them_and_a_name_is_not_added() -> None:
    before = "kind: Package\r\nspec: {publicName: web.example.com, version: 1.2.3}\r\n"
    assert rewritten(before, yaml.safe_load(before), "2.0.0") == before.replace("1.2.3", "2.0.0")


@pytest.mark.parametrize("version", ["&it 1.2.3", "|-\n      1.2.3", '"1.2\\x2e3"'])
def test_a_version_that_is_written_in_another_way_is_left_to_its_author(version: str) -> None:
    before = WRITTEN % version
    with pytest.raises(InvalidSpec, match=r"spec\.version of package\.yaml cannot be replaced; write it as a plain"):
        rewritten(before, yaml.safe_load(before), "1.3.0")
