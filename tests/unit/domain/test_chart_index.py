"""The index.yaml of chart repositories: what helm writes, what others write, and what is hostile."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.api.errors import FetchFailed, FetchLimitExceeded, PackhouseError
from packhouse.domain.chart_index import WHOLE_MOST_BYTES, ChartVersion, read_index

HEX = "ab" * 32
WEB = {"name": "web", "version": "1.2.3", "urls": ["charts/web-1.2.3.tgz"], "digest": HEX}
EXPECTED = ChartVersion("1.2.3", ["charts/web-1.2.3.tgz"], f"sha256:{HEX}")


def index(entries: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "entries": entries, "generated": "2026-01-02T03:04:05Z"}


def many(size: int = 3000) -> dict[str, Any]:
    """An index that is too large to be read as a whole within reason, `web` in the middle of it."""
    others = {
        f"{start}-{number}": [{"name": "x", "version": "1.0.0", "description": "web:\n- y " * 20, "urls": ["x.tgz"]}]
        for start in ("a", "z")
        for number in range(size)
    }
    return index(dict(sorted({**others, "web": [WEB]}.items())))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(yaml.safe_dump(index({"web": [WEB], "other": []})), id="yaml"),
        pytest.param(json.dumps(index({"web": [WEB]})), id="json"),
        pytest.param("\ufeff" + yaml.safe_dump(index({"web": [WEB]})), id="a byte order mark"),
        pytest.param(yaml.safe_dump(many()), id="large, lists below their keys"),
        pytest.param(yaml.safe_dump(many()).replace("\n", "\r\n"), id="large, lines of Windows"),
        pytest.param(yaml.safe_dump(many(), indent=4), id="large, wider"),
        pytest.param(json.dumps(many()), id="large, json"),
    ],
)
def test_the_versions_of_a_chart_are_found(body: str) -> None:
    assert read_index(body.encode(), "web") == [EXPECTED]


@pytest.mark.parametrize("body", [yaml.safe_dump(index({"a": []})), yaml.safe_dump(index(many()["entries"]))])
def test_a_chart_that_is_not_there_has_no_versions(body: str) -> None:
    assert read_index(body.encode(), "we") == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(WEB | {"digest": f"sha256:{HEX}"}, EXPECTED, id="a digest with its algorithm"),
        pytest.param(WEB | {"digest": "md5"}, ChartVersion("1.2.3", EXPECTED.urls), id="no sha256"),
        pytest.param(WEB | {"urls": []}, None, id="no address"),
        pytest.param(WEB | {"urls": [1]}, None, id="an address that is no text"),
        pytest.param(WEB | {"version": 1.2}, None, id="a version that is no text"),
        pytest.param(WEB | {"version": None}, None, id="no version"),
        pytest.param("x", None, id="no map"),
    ],
)
def test_an_entry_that_cannot_be_used_is_passed_over(entry: Any, expected: ChartVersion | None) -> None:
    found = read_index(json.dumps(index({"web": [entry, WEB]})).encode(), "web")
    assert found == ([] if expected is None else [expected]) + [EXPECTED]


def test_the_lines_of_other_charts_are_not_taken_for_those_of_the_chart() -> None:
    lines = [
        "apiVersion: v1",
        "entries:",
        "  other:",
        "  - description: |",
        "      text",
        "",
        "      web:",
        "    urls: [x]",
    ]
    lines += [f"    # {'x' * 100}" for _ in range(2000)]
    lines += ["  web: # the one", "  - version: 1.2.3", "    urls: [charts/web-1.2.3.tgz]", f"    digest: {HEX}"]
    lines += ["", "# a remark", "  - version: 1.2.2", "    urls: [x]", "  web2:", "  - version: 9.0.0", "    urls: [x]"]
    body = "\n".join([*lines, "generated: x", ""]).encode()
    # a remark behind the key is no form of helm's: the whole is read
    assert [entry.version for entry in read_index(body, "web")] == ["1.2.3", "1.2.2"]
    assert [entry.version for entry in read_index(body.replace(b" # the one", b""), "web")] == ["1.2.3", "1.2.2"]


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        pytest.param(b"\xff\xfe", FetchFailed, "no UTF-8", id="no utf-8"),
        pytest.param(b"<html></html>", FetchFailed, "no index of a chart repository", id="a page"),
        pytest.param(b"", FetchFailed, "no index of a chart repository", id="nothing"),
        pytest.param(b"a: [", FetchFailed, "index.yaml:[12]: no valid YAML", id="no yaml"),
        pytest.param(b'{"a": ', FetchFailed, "no valid JSON", id="no json"),
        pytest.param(b'{"a":' + b"[" * 100_000, FetchFailed, "no valid JSON", id="deep json"),
        pytest.param(b"entries: [a]", FetchFailed, "no map entries", id="a list"),
        pytest.param(
            b'{"a":[' + b",".join([b"[]"] * (WHOLE_MOST_BYTES // 3)) + b"]}",
            FetchLimitExceeded,
            "not laid out as helm",
            id="large json",
        ),
        pytest.param(b"x: " + b"a" * WHOLE_MOST_BYTES, FetchLimitExceeded, "not laid out as helm", id="a long line"),
        pytest.param(
            b"entries:\n  web:\n  - a: " + b"a" * WHOLE_MOST_BYTES, FetchLimitExceeded, "too many", id="a long chart"
        ),
        pytest.param(
            b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e]\n"
            b"g: [*f,*f,*f,*f,*f,*f]",
            FetchFailed,
            "aliases add more than",
            id="a bomb of aliases",
        ),
    ],
)
def test_what_is_no_index_is_refused_within_a_moment(body: bytes, error: type[PackhouseError], words: str) -> None:
    with pytest.raises(error, match=words):
        read_index(body, "web")


def test_an_index_that_helm_wrote_is_read(helm: Path, tmp_path: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        chart = tmp_path / version / "web"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: web\nversion: {version}\n")
        subprocess.run([helm, "package", chart, "-d", tmp_path], check=True, capture_output=True, timeout=60)
    subprocess.run([helm, "repo", "index", tmp_path], check=True, capture_output=True, timeout=60)
    found = read_index((tmp_path / "index.yaml").read_bytes(), "web")
    assert [(entry.version, entry.urls, len(entry.digest)) for entry in found] == [
        ("0.2.0", ["web-0.2.0.tgz"], 71),
        ("0.1.0", ["web-0.1.0.tgz"], 71),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"version": "1.0.0+" + "a" * 300, "urls": ["web.tgz"]}, id="a version"),
        pytest.param({"version": "1.0.0", "urls": ["w" * 5000]}, id="an address"),
    ],
)
def test_what_is_too_long_to_be_recorded_is_left_out(entry: dict[str, Any]) -> None:
    assert list(read_index(json.dumps(index({"web": [entry]})).encode(), "web")) == []
