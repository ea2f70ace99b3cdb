"""init, template and test as the command line calls them: what is printed, what is written, how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Verb = Callable[..., int]
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("engine", ["jinja2", "ytt"])
def test_what_init_writes_lints_renders_and_passes_its_tests(engine: str, verb: Verb, capsys: Capture) -> None:
    assert verb("init", "shop", "--engine", engine) == 0
    printed = capsys.readouterr()
    assert set(printed.out.splitlines()) >= {"shop/package.yaml", "shop/config/deployment.yml"}
    assert "packhouse package lint shop" in printed.err
    assert verb("lint", "shop", "--strict") == 0
    assert capsys.readouterr() == ("", "nothing found\n")
    assert verb("test", "shop") == 0
    assert capsys.readouterr() == ("ok defaults\nok large\nok refused\n", "3 of 3 cases as expected\n")
    assert verb("template", "shop", "-o", "name") == 0
    assert capsys.readouterr().out == "deployment.apps/shop\nservice/shop\n"


def test_init_takes_a_folder_and_a_public_name(verb: Verb) -> None:
    assert verb("init", "shop", "--folder", "there", "--public-name", "shop.example.org") == 0
    assert yaml.safe_load(Path("there/package.yaml").read_text())["spec"]["publicName"] == "shop.example.org"
    assert yaml.safe_load(Path("there/metadata.yaml").read_text())["metadata"]["name"] == "shop.example.org"


@pytest.mark.parametrize("words", [["Shop"], ["yes"], ["s"], ["shop", "--public-name", "shop"]], ids=" ".join)
def test_init_refuses_a_name_that_is_none(words: list[str], verb: Verb) -> None:
    assert verb("init", *words) == 2
    assert list(Path().iterdir()) == []


def test_init_refuses_a_folder_that_holds_something(verb: Verb, capsys: Capture) -> None:
    Path("shop").mkdir()
    Path("shop/mine").touch()
    assert verb("init", "shop") == 1
    assert "error: shop is there and not empty\nhelp:  name a new folder with --folder" in capsys.readouterr().err
    assert [path.name for path in Path("shop").iterdir()] == ["mine"]


def test_template_lays_files_and_sets_over_the_defaults(package: Any, verb: Verb, capsys: Capture) -> None:
    package()
    Path("a.yml").write_text("replicas: 2\nmessage: from a file\n")
    Path("b.yml").write_text("replicas: 3\n")
    words = ("-f", "a.yml", "-f", "b.yml", "--set", "message=from a word", "-n", "demo", "-o", "json")
    assert verb("template", "web", *words) == 0
    deployment, service = json.loads(capsys.readouterr().out)["items"]
    assert deployment["spec"]["replicas"] == 3
    assert "-text=from a word" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert service["kind"] == "Service"


def test_template_prints_yaml_that_can_be_applied(package: Any, verb: Verb, capsys: Capture) -> None:
    package()
    assert verb("template", "web") == 0
    assert [one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out)] == ["Deployment", "Service"]


def test_template_says_where_a_template_is_wrong(package: Any, verb: Verb, capsys: Capture) -> None:
    package({"config/deployment.yml": ("values.replicas", "values.replica")})
    assert verb("template", "web") == 1
    assert capsys.readouterr() == (
        "",
        "error: web/config/deployment.yml:11: 'replica' is undefined in this map (did you mean 'replicas'?)\n"
        "   11 >   replicas: {{ values.replica }}\n",
    )


def test_template_checks_values_before_it_renders(package: Any, verb: Verb, capsys: Capture) -> None:
    package({"config/deployment.yml": "{{ nonsense"})
    Path("a.yml").write_text("replicsa: 2\n")
    assert verb("template", "web", "-f", "a.yml") == 1
    assert "values.replicsa is not known (did you mean replicas?)" in capsys.readouterr().err


def test_templates_know_the_version_that_is_aimed_at(package: Any, verb: Verb, capsys: Capture) -> None:
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: facts}\ndata:\n"
        "  version: {{ cluster.version }}\n  has: {{ ('policy/v1beta1' in cluster.apiGroups) | to_json | quote }}\n"
    )
    package({"config/facts.yml": config})
    for version in ("1.24", "1.25.3"):
        assert verb("template", "web", "--kubernetes-version", version, "-o", "json") == 0
    first, second = capsys.readouterr().out.replace("}\n{", "}\0{").split("\0")
    data = [json.loads(text)["items"][1]["data"] for text in (first, second)]
    assert data == [{"version": "v1.24.0", "has": "true"}, {"version": "v1.25.0", "has": "false"}]


def test_what_only_a_cluster_could_tell_is_refused_in_words(package: Any, verb: Verb, capsys: Capture) -> None:
    package(
        {
            "package.yaml": (
                "        - jinja2:\n",
                "        - jinja2:\n            valuesFrom: [{secretRef: {name: s}}]\n",
            )
        }
    )
    assert verb("template", "web") == 1
    assert "a template step reads the Secret s of the install's namespace" in capsys.readouterr().err


def test_an_image_that_a_registry_would_be_asked_for_stays_and_is_warned_of(
    package: Any, verb: Verb, capsys: Capture
) -> None:
    package({"package.yaml": ("        - kbld:\n", "        - kbld:\n            resolve: true\n")})
    assert verb("template", "web", "--set", "image=nginx:1.2") == 0
    printed = capsys.readouterr()
    assert "image: nginx:1.2\n" in printed.out
    assert printed.err == "warning: nginx:1.2 stays as it is: a step would ask its registry, and none is asked here\n"


def test_a_difference_is_shown_and_written_on_demand(package: Any, verb: Verb, capsys: Capture) -> None:
    folder = package()
    assert verb("test", "web", "--update") == 0
    assert capsys.readouterr().out == "written defaults\nwritten large\nok refused\n"
    service = folder / "config/service.yml"
    service.write_text(service.read_text().replace("port: 80\n", "port: 8080\n"))
    assert verb("test", "web") == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:3] == [
        "differs defaults",
        "    --- web/tests/defaults/expected.yml",
        "    +++ rendered",
    ]
    assert "    -    port: 80\n    +    port: 8080\n" in printed.out
    assert printed.err == "1 of 3 cases as expected; --update writes what is rendered\n"
    assert verb("test", "web", "large", "--update") == 0
    assert capsys.readouterr().err == "1 of 1 cases as expected, 1 written\n"
    assert (verb("test", "web", "large"), verb("test", "web", "defaults")) == (0, 1)


def test_a_golden_file_says_the_same_in_another_style(package: Any, verb: Verb) -> None:
    folder = package()
    assert verb("test", "web", "--update") == 0
    golden = folder / "tests/large/expected.yml"
    objects = list(yaml.safe_load_all(golden.read_text()))
    golden.write_text("# by hand\n" + "\n---\n".join(json.dumps(one, sort_keys=True) for one in objects))
    assert verb("test", "web") == 0


def test_a_case_without_what_is_expected_fails(package: Any, verb: Verb, capsys: Capture) -> None:
    package()
    assert verb("test", "web", "large") == 1
    assert "there is no web/tests/large/expected.yml; write it with --update" in capsys.readouterr().out


def test_an_error_can_be_expected(package: Any, verb: Verb, capsys: Capture) -> None:
    folder = package()
    words = folder / "tests/refused/expected-error.txt"
    assert verb("test", "web", "refused") == 0
    words.write_text("expected boolean")
    assert verb("test", "web", "refused") == 1
    assert "says: values.replicas: expected integer, found string" in capsys.readouterr().out
    assert verb("test", "web", "refused", "--update") == 0
    assert words.read_text() == "values.replicas: expected integer, found string\n"
    (folder / "tests/refused/values.yml").write_text("replicas: 2\n")
    assert verb("test", "web", "refused") == 1
    assert "it renders, and an error is expected" in capsys.readouterr().out


def test_a_case_that_is_not_there_is_answered_with_the_nearest(package: Any, verb: Verb, capsys: Capture) -> None:
    package()
    assert verb("test", "web", "larg") == 3
    assert "help:  did you mean large?" in capsys.readouterr().err


def test_the_folder_may_be_left_out(package: Any, verb: Verb, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(package())
    assert (verb("test", "refused"), verb("test", "tests/refused/")) == (0, 0)
    assert verb("template", "-o", "name") == 0


def test_a_folder_without_a_package_says_how_to_begin_one(verb: Verb, capsys: Capture) -> None:
    assert [verb(name, ".") for name in ("template", "lint", "test")] == [3, 3, 3]
    assert "begin one: packhouse package init NAME" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["tests/large/expected.yml", "tests/refused/expected-error.txt", "tests/large"])
def test_an_update_writes_through_no_link_out_of_the_package(
    package: Any, verb: Verb, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    folder, elsewhere = package({"tests/refused/expected-error.txt": ""}), tmp_path / "elsewhere"
    if (folder / place).exists():
        (folder / place).rename(elsewhere)
    (folder / place).symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir()) if elsewhere.is_dir() else elsewhere.exists() and elsewhere.read_text()
    assert verb("test", "web", "--update") == 1
    assert "is a link that leaves web" in capsys.readouterr().err
    after = sorted(elsewhere.iterdir()) if elsewhere.is_dir() else elsewhere.exists() and elsewhere.read_text()
    assert after == before
