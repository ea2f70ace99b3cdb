"""rawOptions of a deploy step: what each says, what is passed over, what is refused, and those of real packages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import yaml

import conformance
from packhouse.api.errors import UnsupportedStep
from packhouse.domain.kapp.options import OPTIONS, SHORT, Options, Takes, read_options
from packhouse.domain.kapp.rules import UpdateStrategy

VALUES = {Takes.FLAG: "true", Takes.DURATION: "1m", Takes.STRATEGY: "skip", Takes.ANYTHING: "5"}


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        ([], Options()),
        (["--wait"], Options()),
        (["--wait=true"], Options()),
        (["--wait=false"], Options(wait=False)),
        (["--wait false"], Options(wait=False)),
        (["--wait=F"], Options(wait=False)),
        (["  --wait=0 "], Options(wait=False)),
        (["--wait=false", "--wait=true"], Options()),
        (["--wait-timeout=30s"], Options(wait_timeout_seconds=30)),
        (["--wait-timeout 30s"], Options(wait_timeout_seconds=30)),
        (["--wait-timeout", "30s", "--wait=false"], Options(wait=False, wait_timeout_seconds=30)),
        (["--wait-timeout=1h2m3.5s"], Options(wait_timeout_seconds=3723.5)),
        (["--wait-timeout=500ms"], Options(wait_timeout_seconds=0.5)),
        (["--wait-timeout=0"], Options(wait_timeout_seconds=0)),
        (["--wait-resource-timeout=5m"], Options(wait_resource_timeout_seconds=300)),
        (["--wait-resource-timeout=0s"], Options()),
        (["--dangerous-allow-empty-list-of-resources"], Options(allow_empty=True)),
        (["--dangerous-allow-empty-list-of-resources=true"], Options(allow_empty=True)),
        (["--apply-default-update-strategy=fallback-on-replace"], Options(update=UpdateStrategy.FALLBACK_ON_REPLACE)),
        (["--apply-default-update-strategy="], Options()),
        (["--diff-changes", "-c", "--diff-context=4", "--debug=true", "--labels", "a=b"], Options()),
        (["--patch=false", "--diff-run=false", "-p=false"], Options()),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_each_option_says_what_kapp_makes_of_it(raw: Sequence[str], options: Options) -> None:
    assert read_options(raw) == options


@pytest.mark.parametrize("name", sorted(name for name, option in OPTIONS.items() if option.why))
def test_an_option_that_nothing_needs_changes_nothing(name: str) -> None:
    assert read_options([f"--{name}={VALUES[OPTIONS[name].takes]}"]) == Options()


@pytest.mark.parametrize("name", sorted(name for name, option in OPTIONS.items() if option.refused))
def test_an_option_that_would_deploy_something_else_is_refused_with_the_lever(name: str) -> None:
    with pytest.raises(UnsupportedStep) as refused:
        read_options(["--wait=false", f"--{name}={VALUES[OPTIONS[name].takes]}"])
    assert refused.value.message == f"rawOptions: --{name} is not supported: {OPTIONS[name].refused}"


def test_every_option_is_honoured_or_passed_over_or_refused() -> None:
    assert {
        name for name, option in OPTIONS.items() if [option.field, option.why, option.refused].count("") != 2
    } == set()
    assert set(SHORT.values()) <= set(OPTIONS)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (["--wat=false"], "--wat is no option of kapp deploy that is known (did you mean --wait?)"),
        (
            ["--wait-timout=1m"],
            "--wait-timout is no option of kapp deploy that is known (did you mean --wait-timeout?)",
        ),
        (["-x"], "--x is no option of kapp deploy that is known"),
        (["--zzz"], "--zzz is no option of kapp deploy that is known"),
        (["--wait=maybe"], "--wait takes true or false; write --wait=..."),
        (["--wait", "false"], "a word that is no option; write each item as --name=value"),
        (["wait=false"], "a word that is no option; write each item as --name=value"),
        ([""], "a word that is no option; write each item as --name=value"),
        (["--wait-timeout"], "--wait-timeout takes a duration such as 30s, 5m or 1h30m; write --wait-timeout=..."),
        (["--wait-timeout=30"], "--wait-timeout takes a duration such as 30s, 5m or 1h30m; write --wait-timeout=..."),
        (["--wait-timeout=-1s"], "--wait-timeout takes a duration such as 30s, 5m or 1h30m; write --wait-timeout=..."),
        (["--wait-timeout=1s x"], "--wait-timeout takes a duration such as 30s, 5m or 1h30m; write --wait-timeout=..."),
        (
            ["--apply-default-update-strategy=replace"],
            "--apply-default-update-strategy takes one of update, skip, fallback-on-replace, always-replace; write "
            "--apply-default-update-strategy=...",
        ),
        (["--into-ns=demo"], "--into-ns is not supported: set the field intoNs of the deploy step"),
        (["-p"], "--patch is not supported: annotate what is to stay with kapp.k14s.io/delete-strategy: orphan"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_cannot_be_followed_is_refused_by_name_and_without_its_value(raw: Sequence[str], message: str) -> None:
    with pytest.raises(UnsupportedStep) as refused:
        read_options(raw)
    assert refused.value.message == f"rawOptions: {message}"


@conformance.needed
def test_the_options_of_real_packages_are_all_known() -> None:
    assert conformance.FOLDER is not None
    seen: dict[str, Options] = {}
    for file in sorted((conformance.FOLDER / "packages").glob("*/*/package.yaml")):
        for step in yaml.safe_load(file.read_text())["spec"]["template"]["spec"]["deploy"]:
            raw = (step["kapp"] or {}).get("rawOptions")
            if raw:
                seen[f"{file.parts[-3]} {file.parts[-2]}"] = read_options(raw)
    assert seen == {
        f"calico {version}": Options(wait_timeout_seconds=30) for version in ("3.11.3", "3.19.1", "3.22.1", "3.24.1")
    }
