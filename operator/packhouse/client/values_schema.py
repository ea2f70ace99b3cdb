"""Where the schema of values comes from: a Package of the cluster, or a file that has one in some form."""

from __future__ import annotations

from typing import Any

from packhouse.api.errors import ValuesInvalid, ValuesSchemaInvalid
from packhouse.client.errors import NotFound, Usage
from packhouse.client.session import Session
from packhouse.domain.values_explain import Explained, explained, keys
from packhouse.ports import Json

_YTT = "#@data/values-schema"


async def package_of(session: Session, words: str) -> Json:
    """The Package of "NAME/VERSION", or the newest release of "NAME", with its schema. Raises NotFound."""
    from packhouse.client.catalogue import find

    package = await find(session, words)
    if not schema_of(package):
        spec = package["spec"]
        raise NotFound(
            f"package {spec['publicName']}/{spec['version']} has no schema of its values",
            "its author tells what it takes, in its documentation or in the templates of its bundle",
        )
    return package


def schema_of(package: Json) -> Json | None:
    schema: Json | None = ((package.get("spec") or {}).get("valuesSchema") or {}).get("openAPIv3")
    return schema


def package_in(source: str, text: str) -> Json:
    """A file with a schema as a Package that has nothing else: a Package, `openAPIv3: ...`, the schema itself, or
    `#@data/values-schema` of ytt. Raises ValuesSchemaInvalid, Usage."""
    if _YTT in text.replace(" ", ""):
        return _package(_declared(source, text), [{"ytt": {}}])
    from packhouse.domain.yaml_text import load_all

    documents = [value for _, value in load_all(text, source, ValuesSchemaInvalid) if isinstance(value, dict)]
    packages = [value for value in documents if value.get("kind") == "Package"]
    document = (packages or documents or [{}])[0]
    spec = document.get("spec") if packages else document
    found = spec if isinstance(spec, dict) else {}
    for name in ("valuesSchema", "openAPIv3"):
        found = found[name] if isinstance(found.get(name), dict) else found
    if not _is_schema(found):
        raise Usage(
            f"{source} has no schema of values", "give a Package, its valuesSchema, or a schema as OpenAPI has it"
        )
    return _package(found, _steps(document))


def explanation(package: Json, key: str) -> Explained:
    """Raises NotFound with the nearest keys, ValuesInvalid for what is no path."""
    schema = schema_of(package) or {}
    found = explained(schema, key)
    if found is None:
        from packhouse.domain.offers import nearest

        close = nearest(key, keys(schema))
        lever = f"did you mean {' or '.join(close)}?" if close else "leave the key out to see all of them"
        raise NotFound(f"{key} is no key of the values", lever)
    return found


def _declared(source: str, text: str) -> Json:
    from packhouse.template.ytt.convert import to_plain
    from packhouse.template.ytt.errors import LimitExceeded, YttError
    from packhouse.template.ytt.workspace.render import InputFile, inspect_schema

    name = source if source.endswith((".yml", ".yaml")) else f"{source}.yml"
    try:
        document: Any = to_plain(inspect_schema([InputFile(name, text.encode())]).items[0].value)
    except (YttError, LimitExceeded) as error:
        said = error.message if isinstance(error, YttError) else error.what
        raise ValuesInvalid(f"{source}: its schema cannot be computed; correct it:\n{said}") from None
    schema: Json = document["components"]["schemas"]["dataValues"]
    return schema


def _package(schema: Json, steps: list[Json]) -> Json:
    spec = {"publicName": "", "version": "", "valuesSchema": {"openAPIv3": schema}}
    return {"metadata": {"name": "", "uid": ""}, "spec": {**spec, "template": {"spec": {"template": steps}}}}


def _steps(document: Json) -> list[Json]:
    """Those of a Package; a schema by itself may be anybody's, ytt's too."""
    spec = document.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    inner = template.get("spec") if isinstance(template, dict) else None
    steps = inner.get("template") if isinstance(inner, dict) else None
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else [{"ytt": {}}]


def _is_schema(found: Json) -> bool:
    return not {"type", "properties", "allOf", "anyOf", "oneOf", "$ref", "additionalProperties"}.isdisjoint(found)
