"""The step kbld, through the pipeline. Real: everything but the worker's process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from packhouse.api.errors import RenderedInvalid, RenderLimitExceeded, TemplateFailed, UnsupportedStep
from packhouse.ports import FoundImage, ImageAsk, Outside, Rendered
from packhouse.settings import Settings
from packhouse.template.kbld.rules import repository
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render
from render_jobs import config_map, job

DIGEST = "sha256:" + "a" * 64
KBLD = {"kbld": {"paths": ["-", ".imgpkg/images.yml"]}}
PLAIN = {"jinja2": {"paths": ["config"]}}
Objects = Callable[..., list[Any]]


def lock(*entries: tuple[str, str]) -> str:
    """An ImagesLock as `kbld --imgpkg-lock-output` writes it: (name in the manifests, reference by digest)."""
    images = "".join(
        f"- annotations:\n    kbld.carvel.dev/id: {name}\n    kbld.carvel.dev/origins: |\n      - resolved: {{}}\n"
        f"  image: {image}\n"
        for name, image in entries
    )
    return f"---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n{images}kind: ImagesLock\n"


def pod(*images: str, name: str = "web") -> str:
    containers = "".join(f"  - name: c{number}\n    image: {image}\n" for number, image in enumerate(images))
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n{containers}"


def config(text: str) -> str:
    return f"apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n{text}\n---\n"


def nested_rules(depth: int) -> str:
    inner = nested_rules(depth - 1) if depth else "[]"
    return f"[{{keyMatcher: {{name: x}}, updateStrategy: {{yaml: {{searchRules: {inner}}}}}}}]"


def alias_bomb() -> str:
    """Ten to the power of nine, in nine lines."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return "\n".join(lines)


def images_of(obj: Any) -> list[str]:
    return [container["image"] for container in obj["spec"]["containers"]]


def test_references_become_those_of_the_lock_and_nothing_else_changes(objects: Objects) -> None:
    files = {
        "config/pod.yml": pod("nginx:1.25", "nginx:1.26", "registry.example.com/other:1"),
        "config/map.yml": config_map("map", image_name="nginx:1.25"),
        ".imgpkg/images.yml": lock(("nginx:1.25", f"index.docker.io/library/nginx@{DIGEST}")),
    }
    before = objects({name: text for name, text in files.items() if name.startswith("config")}, steps=[PLAIN])
    after = objects(files, steps=[PLAIN, KBLD])
    assert images_of(after[1]) == [
        f"index.docker.io/library/nginx@{DIGEST}",
        "nginx:1.26",
        "registry.example.com/other:1",
    ]
    before[1]["spec"]["containers"][0]["image"] = f"index.docker.io/library/nginx@{DIGEST}"
    assert after == before


def test_the_key_image_is_looked_for_at_any_depth(objects: Objects) -> None:
    text = (
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nimage: a:1\n"
        "spec: {image: {image: a:1, repository: a:1}, list: [[{image: a:1}], a:1], more: {image: 5}}\n"
    )
    [found] = objects({"config/t.yml": text, ".imgpkg/images.yml": lock(("a:1", "b"))}, steps=[PLAIN, KBLD])
    assert found["image"] == "b"
    assert found["spec"] == {
        "image": {"image": "b", "repository": "a:1"},
        "list": [[{"image": "b"}], "a:1"],
        "more": {"image": 5},
    }


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([{"kbld": {"paths": ["config/", ".imgpkg"]}}], id="files of the package"),
        pytest.param([{"kbld": {}}], id="no paths and no step before: the whole folder, with what a dot hides"),
        pytest.param([{"kbld": {"paths": ["./config/../", "-"]}}], id="a path that leads back to the top"),
    ],
)
def test_without_a_step_before_it_reads_the_package(objects: Objects, steps: list[Any]) -> None:
    files = {"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": lock(("a:1", "b")), "README.md": "# no manifest"}
    if "-" in steps[0]["kbld"].get("paths", ()):
        steps = [{"kbld": {"paths": [".imgpkg"]}}, *steps]
    [found] = objects(files, steps=steps)
    assert images_of(found) == ["b"]


def test_a_lock_may_come_along_the_stream(objects: Objects) -> None:
    files = {"config/all.yml": pod("a:1") + lock(("a:1", "b"))}
    [found] = objects(files, steps=[PLAIN, {"kbld": {}}])
    assert images_of(found) == ["b"]


def test_the_first_lock_that_names_an_image_counts(objects: Objects) -> None:
    files = {"config/all.yml": pod("a:1") + lock(("a:1", "b")), ".imgpkg/images.yml": lock(("a:1", "c"))}
    [found] = objects(files, steps=[PLAIN, KBLD])
    assert images_of(found) == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("images: []\n", id="a list alone"),
        pytest.param("---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: []\n", id="no image"),
        pytest.param(
            f"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: b@{DIGEST}\n", id="no id"
        ),
    ],
)
def test_a_lock_that_names_nothing_changes_nothing(objects: Objects, text: str) -> None:
    [found] = objects({"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": text}, steps=[PLAIN, KBLD])
    assert images_of(found) == ["a:1"]


def test_a_lock_of_the_first_kind_holds_its_list_under_spec(objects: Objects) -> None:
    text = (
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nspec:\n  images:\n"
        "  - image: b\n    annotations: {kbld.carvel.dev/id: a:1}\n"
    )
    [found] = objects({"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": text}, steps=[PLAIN, KBLD])
    assert images_of(found) == ["b"]


def test_a_config_says_images_repositories_and_keys(objects: Objects) -> None:
    config = (
        "---\napiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nminimumRequiredVersion: 0.30.0\nkeys: [img]\n"
        "overrides:\n- image: a:1\n  newImage: one\n  preresolved: true\n- imageRepo: a\n  newImage: others\n"
    )
    text = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nimg: a:1\nspec: {image: a:2}\n"
    [found] = objects({"config/t.yml": text + config}, steps=[PLAIN, {"kbld": {}}])
    assert (found["img"], found["spec"]) == ("one", {"image": "others"})


# ---- where images stand ------------------------------------------------------------------------------------

LOCKED = lock(("a:1", "b:2"))


@pytest.mark.parametrize(
    ("rules", "spec", "expected"),
    [
        pytest.param("[{keyMatcher: {name: img}}]", {"img": "a:1"}, {"img": "b:2"}, id="a key"),
        pytest.param(
            "[{keyMatcher: {path: [spec, list, {allIndexes: true}]}}]",
            {"list": ["a:1", {"x": "a:1"}, "c"], "other": ["a:1"]},
            {"list": ["b:2", {"x": "a:1"}, "c"], "other": ["a:1"]},
            id="a path through all places of a list",
        ),
        pytest.param(
            "[{keyMatcher: {path: [spec, list, {index: 1}]}}]",
            {"list": ["a:1", "a:1"]},
            {"list": ["a:1", "b:2"]},
            id="a path to one place",
        ),
        pytest.param(
            "[{valueMatcher: {image: 'a:1'}}]", {"x": ["a:1"], "y": "a:1"}, {"x": ["b:2"], "y": "b:2"}, id="a value"
        ),
        pytest.param(
            "[{valueMatcher: {imageRepo: a}}]", {"x": "a:1", "y": "a:2"}, {"x": "b:2", "y": "a:2"}, id="a repository"
        ),
        pytest.param(
            "[{keyMatcher: {name: x}, valueMatcher: {imageRepo: a}}]",
            {"x": "a:1", "y": "a:1"},
            {"x": "b:2", "y": "a:1"},
            id="a key and a repository",
        ),
        pytest.param(
            "[{keyMatcher: {name: image}, updateStrategy: {none: {}}}]",
            {"image": "a:1", "more": {"image": {"image": "a:1"}}},
            {"image": "a:1", "more": {"image": {"image": "a:1"}}},
            id="a key that holds no image",
        ),
        pytest.param(
            "[{keyMatcher: {path: [spec, image]}, updateStrategy: {none: {}}}]",
            {"image": "a:1", "more": {"image": "a:1"}},
            {"image": "a:1", "more": {"image": "b:2"}},
            id="one place that holds no image",
        ),
        pytest.param(
            "[{keyMatcher: {name: image}}, {valueMatcher: {image: 'a:1'}, updateStrategy: {none: {}}}]",
            {"image": "a:1", "x": "a:1"},
            {"image": "b:2", "x": "a:1"},
            id="the first rule counts",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {json: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": '{"z": 1, "i": "a:1", "image": "a:1"}', "i": "a:1"},
            {"text": '{"i":"b:2","image":"a:1","z":1}', "i": "a:1"},
            id="JSON in a text, by its own rules alone",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {json: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": 'i: "a:1"'},
            {"text": 'i: "a:1"'},
            id="what is no JSON stays",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {json: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": '{"z": 1,  "i": "other"}'},
            {"text": '{"z": 1,  "i": "other"}'},
            id="a text in which nothing is replaced stays as it was",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": "z: [1]\ni: a:1\n---\n---\nmore: '1e3'\n"},
            {"text": '---\ni: b:2\nz:\n- 1\n---\nmore: "1e3"\n'},
            id="YAML in a text, all its documents",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": '{"i": "a:1"}'},
            {"text": '{"i":"b:2"}'},
            id="JSON stays JSON where YAML is looked for",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]",
            {"text": "i: [\n"},
            {"text": "i: [\n"},
            id="what is no YAML stays",
        ),
        pytest.param(
            "[{keyMatcher: {name: text}, updateStrategy: {yaml: {searchRules: "
            "[{keyMatcher: {name: inner}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]}}}]",
            {"text": "inner: |\n  i: a:1\n"},
            {"text": "---\ninner: |\n  ---\n  i: b:2\n"},
            id="a text in a text",
        ),
        pytest.param("[{keyMatcher: {name: x}}]", {"x": {"image": "a:1"}}, {"x": {"image": "b:2"}}, id="a map"),
    ],
)
def test_search_rules_say_where_images_stand(objects: Objects, rules: str, spec: Any, expected: Any) -> None:
    thing = json.dumps({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec})
    files = {"t.yml": thing, "c.yml": config(f"searchRules: {rules}"), ".imgpkg/images.yml": LOCKED}
    [found] = objects(files, steps=[{"kbld": {}}])
    assert found["spec"] == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="a deep text"),
        pytest.param("&a [x]\n" + "".join(f"- &b{n} [*a, *a]\n" for n in range(3)), id="aliases that are none"),
        pytest.param(
            alias_bomb(),
            id="an alias bomb",
        ),
        pytest.param('{"i": NaN}', id="what JSON has no word for"),
        pytest.param('{"i": "\\ud800"}', id="half a character"),
    ],
)
def test_a_hostile_text_inside_of_an_object_stays_as_it_is(objects: Objects, text: str) -> None:
    thing = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t"}, "data": {"text": text}})
    rule = "[{keyMatcher: {name: text}, updateStrategy: {yaml: {searchRules: [{keyMatcher: {name: i}}]}}}]"
    files = {"t.yml": thing, "c.yml": config(f"searchRules: {rule}"), ".imgpkg/images.yml": LOCKED}
    [found] = objects(files, steps=[{"kbld": {}}])
    assert found["data"]["text"] == text


def test_all_places_of_a_pod_are_found(objects: Objects) -> None:
    spec = {kind: [{"name": "c", "image": "a:1"}] for kind in ("containers", "initContainers", "ephemeralContainers")}
    volume = [{"name": "v", "image": {"reference": "a:1", "pullPolicy": "Always"}}]
    thing = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {**spec, "volumes": volume}}
    rule = config("searchRules: [{keyMatcher: {path: [spec, volumes, {allIndexes: true}, image, reference]}}]")
    files = {"p.yml": json.dumps(thing), "c.yml": rule, ".imgpkg/images.yml": LOCKED}
    [found] = objects(files, steps=[{"kbld": {}}])
    assert {kind: found["spec"][kind][0]["image"] for kind in spec} == dict.fromkeys(spec, "b:2")
    assert found["spec"]["volumes"][0]["image"] == {"reference": "b:2", "pullPolicy": "Always"}


def test_overrides_and_locks_count_in_their_order(objects: Objects) -> None:
    text = config("overrides: [{imageRepo: a, newImage: repo}, {image: 'a:1', newImage: exact}]")
    [found] = objects({"a.yml": text + pod("a:1", "a:2"), ".imgpkg/images.yml": LOCKED}, steps=[{"kbld": {}}])
    assert images_of(found) == ["b:2", "repo"], "the lock is read before a.yml"


# ---- what only a registry knows ----------------------------------------------------------------------------

RESOLVE = {"kbld": {"resolve": True}}
SELECTION = '{"semver": {"constraints": "1.x"}}'


def rendered(text: str, images: Mapping[ImageAsk, FoundImage], *steps: Any) -> Rendered:
    made = replace(job({"a.yml": text}, steps=steps or [RESOLVE]), outside=Outside(images=images))
    return render(made, Limits.from_settings(Settings()))


def test_a_step_that_may_resolve_asks_for_what_no_lock_names(objects: Objects) -> None:
    text = LOCKED + "---\n" + pod("a:1", "nginx", f"c@{DIGEST}", "host.test:5000/x:1", '""')
    asked = rendered(text, {})
    assert (asked.objects, asked.asked) == ((), [ImageAsk("host.test:5000/x:1"), ImageAsk("nginx")])
    answers = {
        ImageAsk("nginx"): FoundImage(f"index.docker.io/library/nginx@{DIGEST}", "latest"),
        ImageAsk("host.test:5000/x:1"): FoundImage(f"host.test:5000/x@{DIGEST}", "1"),
    }
    after = rendered(text, answers)
    assert after.asked == ()
    assert images_of(after.objects[0]) == [
        "b:2",
        f"index.docker.io/library/nginx@{DIGEST}",
        f"c@{DIGEST}",
        f"host.test:5000/x@{DIGEST}",
        "",
    ]


def test_without_resolve_nothing_is_ever_asked() -> None:
    found = rendered(pod("nginx", "unknown.test/x:none"), {}, {"kbld": {}})
    assert found.asked == ()
    assert images_of(found.objects[0]) == ["nginx", "unknown.test/x:none"]


def test_a_new_image_is_asked_for_unless_it_is_resolved_before() -> None:
    text = config("overrides: [{image: a, newImage: 'b:1', preresolved: true}, {imageRepo: c, newImage: 'd:1'}]")
    assert rendered(text + pod("a", "c:9"), {}).asked == [ImageAsk("d:1")]


def test_a_tag_is_chosen_by_whom_the_registry_is_asked() -> None:
    text = config("overrides: [{imageRepo: a, newImage: b, tagSelection: {semver: {constraints: 1.x}}}]") + pod("a:9")
    assert rendered(text, {}).asked == [ImageAsk("b", SELECTION)]
    after = rendered(text, {ImageAsk("b", SELECTION): FoundImage("b@sha256:1", "1.4.0")})
    assert images_of(after.objects[0]) == ["b@sha256:1"]


def test_what_a_later_step_would_ask_is_asked_at_once() -> None:
    asked = rendered(pod("a:1", "b:1"), {}, RESOLVE, RESOLVE).asked
    assert asked == [ImageAsk("a:1"), ImageAsk("b:1")]


# ---- the annotation ------------------------------------------------------------------------------------------


def test_the_images_are_noted_on_an_object_where_a_config_asks_for_it(objects: Objects) -> None:
    text = config("imagesAnnotation: true\noverrides: [{image: o, newImage: p, preresolved: true}]")
    plain = config_map("map")
    found = rendered(
        text + lock(("a:1", "b@sha256:2")) + "---\n" + pod("a:1", "o", "q:1", "a:1", f"c@{DIGEST}") + "---\n" + plain,
        {ImageAsk("q:1"): FoundImage("q@sha256:3", "1")},
    )
    made, other = found.objects
    assert made["metadata"]["annotations"] == {
        "kbld.k14s.io/images": "- origins:\n  - resolved: {}\n  - preresolved:\n      url: b@sha256:2\n"
        "  url: b@sha256:2\n"
        f"- url: c@{DIGEST}\n"
        "- origins:\n  - preresolved:\n      url: p\n  url: p\n"
        '- origins:\n  - resolved:\n      tag: "1"\n      url: q:1\n  url: q@sha256:3\n'
    }
    assert "annotations" not in other["metadata"]


def test_nothing_is_noted_where_nobody_asks(objects: Objects) -> None:
    [found] = objects({"a.yml": LOCKED + "---\n" + pod("a:1")}, steps=[{"kbld": {}}])
    assert found["metadata"] == {"name": "web"}


def test_an_object_that_stands_in_two_places_is_changed_in_a_copy(objects: Objects) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: t}\nspec: {containers: [&c {image: a:1}], initContainers: [*c]}\n"
    )
    steps = [PLAIN, KBLD]
    [found] = objects({"config/t.yml": text, ".imgpkg/images.yml": lock(("a:1", "b"))}, steps=steps)
    assert found["spec"] == {"containers": [{"image": "b"}], "initContainers": [{"image": "b"}]}


@pytest.mark.parametrize(
    ("files", "steps", "error", "message"),
    [
        pytest.param(
            {"config/a.yml": config_map()},
            [PLAIN, {"kbld": {"paths": ["-", ".imgpkg/image.yml"]}}],
            TemplateFailed,
            "template step kbld: path '.imgpkg/image.yml' names no file of the package",
            id="a path that names nothing",
        ),
        pytest.param(
            {"config/a.yml": config_map()},
            [{"kbld": {"paths": ["-"]}}],
            TemplateFailed,
            "template step kbld: path '-' is the output of the step before, and there is none before",
            id="nothing before",
        ),
        pytest.param(
            {"config/a.yml": config_map()},
            [{"kbld": {"paths": ["config/../../etc"]}}],
            TemplateFailed,
            "template step kbld: path 'config/../../etc' leads out of the package's folder",
            id="a path that leads out",
        ),
        pytest.param(
            {"config/a.yml": config_map(), ".imgpkg/images.yml": "a: [\n"},
            [PLAIN, KBLD],
            RenderedInvalid,
            ".imgpkg/images.yml:2: no valid YAML",
            id="a lock that is no YAML",
        ),
        pytest.param(
            {".imgpkg/images.yml": lock(("a", "b")).replace("image: b", "image: []")},
            [{"kbld": {}}],
            TemplateFailed,
            ".imgpkg/images.yml:2: images[0].image must be a text that is not empty, found a list",
            id="an image that is no text",
        ),
        pytest.param(
            {".imgpkg/images.yml": "images: {a: b}"},
            [{"kbld": {}}],
            TemplateFailed,
            ".imgpkg/images.yml:1: images must be a list, found a map",
            id="images that are no list",
        ),
        pytest.param(
            {"a.yml": "apiVersion: kbld.k14s.io/v1alpha1\nkind: Sources\nsources:\n- {image: a, path: src}\n"},
            [{"kbld": {}}],
            UnsupportedStep,
            "a.yml:1: sources of a kbld Sources is not supported by this version of packhouse: "
            "supported are overrides, keys, searchRules, imagesAnnotation",
            id="images to build",
        ),
        pytest.param(
            {"a.yml": config("overrides: [{image: a:1, newImage: b, tagSelection: {semver: {}}}]") + pod("a:1")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: overrides[0].tagSelection would ask a registry, which the step does with resolve: true alone",
            id="a tag to choose",
        ),
        pytest.param(
            {"a.yml": config("overrides: [{image: a:1, newImage: b, platformSelection: {os: linux}}]")},
            [{"kbld": {}}],
            UnsupportedStep,
            "a.yml:1: overrides[0].platformSelection is not supported",
            id="a platform to choose",
        ),
        pytest.param(
            {"a.yml": config("overrides: [{image: a:1, newImage: b, tagSelection: {regexp: x}}]")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: overrides[0].tagSelection must be a map with semver alone",
            id="a selection of another kind",
        ),
        pytest.param(
            {"a.yml": config("searchRules: [{updateStrategy: {none: {}}}]")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: searchRules[0] needs a keyMatcher or a valueMatcher",
            id="a rule that fits everything",
        ),
        pytest.param(
            {"a.yml": config("searchRules: [{keyMatcher: {}}]")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: searchRules[0].keyMatcher needs a name or a path",
            id="a key that is none",
        ),
        pytest.param(
            {"a.yml": config("searchRules: [{keyMatcher: {path: [a, {allIndexes: 1}]}}]")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: searchRules[0].keyMatcher.path[1] must be a key, {index: number} or {allIndexes: true}",
            id="a path that leads nowhere",
        ),
        pytest.param(
            {"a.yml": config("searchRules: [{keyMatcher: {name: x}, updateStrategy: {}}]")},
            [{"kbld": {}}],
            TemplateFailed,
            "a.yml:1: searchRules[0].updateStrategy must be one of entireValue, none, json, yaml",
            id="no strategy",
        ),
        pytest.param(
            {"a.yml": config(f"searchRules: {nested_rules(12)}")},
            [{"kbld": {}}],
            UnsupportedStep,
            "a.yml:1: searchRules[0].updateStrategy.yaml.searchRules",
            id="texts in texts without end",
        ),
        pytest.param(
            {"a.yml": pod("Not An Image")},
            [{"kbld": {"resolve": True}}],
            TemplateFailed,
            "a.yml:1: a reference cannot be resolved: image reference 'Not An Image'",
            id="a text that is no reference",
        ),
        pytest.param(
            {"a.yml": pod("oci-layout:///etc/image")},
            [{"kbld": {"resolve": True}}],
            TemplateFailed,
            "a.yml:1: a reference cannot be resolved: 'oci-layout:///etc/image' is no image of a registry",
            id="a file of the operator",
        ),
        pytest.param(
            {"a.yml": pod(*(f"a:{number}" for number in range(257)))},
            [{"kbld": {"resolve": True}}],
            RenderLimitExceeded,
            "template step kbld: more than 256 references would be resolved",
            id="too many references",
        ),
    ],
)
def test_what_cannot_be_done_is_said_with_its_place(
    objects: Objects, files: dict[str, str], steps: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        objects(files, steps=steps)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", "nginx"),
        ("nginx:1.25", "nginx"),
        (f"nginx@{DIGEST}", "nginx"),
        (f"nginx:1.25@{DIGEST}", "nginx"),
        ("localhost:5000/nginx", "localhost:5000/nginx"),
        (f"localhost:5000/nginx:1@{DIGEST}", "localhost:5000/nginx"),
        ("localhost:5000", "localhost"),
        (":1", ":1"),
        ("a:", "a:"),
        ("a@b", "a@b"),
        ("a@b:", "a@b:"),
        ("", ""),
    ],
)
def test_a_repository_is_a_reference_without_tag_and_digest(reference: str, expected: str) -> None:
    assert repository(reference) == expected
