"""Settings: read from the environment, overridden by the command line, and refused with a sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from packhouse.settings import AT_LEAST_ONE, PREFIX, Settings, SettingsInvalid


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("RECONCILE_WORKERS", "3", 3),
        ("RENDER_TIMEOUT_SECONDS", "2.5", 2.5),
        ("RENDER_TIMEOUT_SECONDS", "2", 2.0),
        ("CACHE_DIR", "/var/cache/x", Path("/var/cache/x")),
        ("OPERATOR_NAMESPACE", "ops", "ops"),
        ("PLAIN_HTTP_HOSTS", "a:5000, b ,", ("a:5000", "b")),
        ("PLAIN_HTTP_HOSTS", "", ()),
        ("LOG_FORMAT", "json", "json"),
        ("HEALTH_PORT", "0", 0),
    ],
)
def test_a_variable_is_read(name: str, text: str, value: Any) -> None:
    settings = Settings.from_environment({PREFIX + name: text})
    assert getattr(settings, name.lower()) == value
    assert type(getattr(settings, name.lower())) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("RECONCILE_WORKERS", "many", "PACKHOUSE_RECONCILE_WORKERS='many': expected int"),
        ("RECONCILE_WORKERS", "", "expected int"),
        ("RECONCILE_WORKERS", "2.5", "expected int"),
        ("RENDER_TIMEOUT_SECONDS", "1m", "expected float"),
        ("REQUEST_RETRIES", "-1", "not negative"),
        ("RENDER_TIMEOUT_SECONDS", "nan", "not negative"),
        ("RENDER_TIMEOUT_SECONDS", "inf", "not negative"),
        ("VALUES_SCHEMA_CHECK", "strict", "expected one of enforce, warn"),
        ("CLEANUP_SERVICE_ACCOUNT", "cleaner", "expected namespace/name"),
        ("CLEANUP_SERVICE_ACCOUNT", "packhouse-system/", "expected namespace/name"),
        ("LOG_FORMAT", "xml", "expected one of console, json"),
        ("LOG_LEVEL", "loud", "expected one of debug, info, warning, error"),
    ],
)
def test_a_variable_that_cannot_be_is_refused_by_its_name(name: str, text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"{PREFIX}{name}") as refused:
        Settings.from_environment({PREFIX + name: text})
    assert words in str(refused.value)


@pytest.mark.parametrize("name", sorted(AT_LEAST_ONE))
def test_nothing_can_be_set_to_work_with_nobody(name: str) -> None:
    with pytest.raises(SettingsInvalid, match="1 at least"):
        Settings.from_environment({PREFIX + name.upper(): "0"})


def test_the_command_line_wins_over_the_environment_and_none_says_nothing() -> None:
    environment = {"PACKHOUSE_RECONCILE_WORKERS": "3", "PACKHOUSE_LOG_LEVEL": "debug"}
    settings = Settings.from_environment(environment, reconcile_workers=5, log_level=None)
    assert (settings.reconcile_workers, settings.log_level) == (5, "debug")


def test_an_override_is_checked_like_a_variable() -> None:
    with pytest.raises(SettingsInvalid, match="PACKHOUSE_LOG_FORMAT"):
        Settings.from_environment({}, log_format="xml")


def test_each_setting_has_a_type_that_can_be_read() -> None:
    assert {str(tunable.type) for tunable in fields(Settings)} <= {"int", "float", "str", "Path", "tuple[str, ...]"}
    assert {tunable.name for tunable in fields(Settings)} >= AT_LEAST_ONE
