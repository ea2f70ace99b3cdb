"""What completes the value of an option or an argument: a choice, a file, or a name that is in the cluster just now.

Called by complete.py. TAKES is the table: what a parameter of a verb takes. The cluster is asked with the namespace,
the context and the user that stand on the line already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from packhouse.cli.complete import Completions, Directive, seconds
from packhouse.cli.complete_line import Line
from packhouse.client import names
from packhouse.client.names import Named
from packhouse.client.session import Session, Target, opened

if TYPE_CHECKING:
    from packhouse.domain.values_shape import Shape

_FILES: Final = Completions((), Directive.FILES)
_KEPT: Final = Directive.NO_FILES | Directive.KEEP_ORDER

Source = Callable[[Session, Line], Awaitable[Completions]]


def of_param(line: Line, *, whole: bool) -> Completions:
    """Whatever the parameter may be given; who asks keeps what fits. May raise anything."""
    param: Any = line.param
    described = param.type_descriptor
    if described.is_choice:
        return Completions([(str(getattr(choice, "value", choice)), "") for choice in described.choices or ()], _KEPT)
    words = line.path[1:] if line.path[0] == "package" else line.path
    verb = " ".join(words)
    source = TAKES.get(f"{verb}:{param.name}") or TAKES.get(f"{words[0]}:{param.name}") or TAKES.get(param.name)
    if source is not None:
        return asyncio.run(_asked(source, line, whole))
    is_file = described.is_path or described.is_file or set(str(param.metavar).split("|")) & {"FILE", "DIR", "FOLDER"}
    return _FILES if is_file else Completions(())


async def _asked(source: Source, line: Line, whole: bool) -> Completions:
    async with asyncio.timeout(seconds() * 0.8):
        if source is _contexts:
            return Completions(await names.contexts(line.last("kubeconfig") or None))
        target = Target(
            kubeconfig=line.last("kubeconfig") or None,
            context=line.last("context") or None,
            namespace=line.last("namespace") or None,
            as_user=line.last("as_"),
            as_groups=tuple(line.given.get("as_group", ())),
            request_timeout_seconds=seconds(),
        )
        async with opened(target) as session:
            found = await source(session, line)
    if source is _sets and not whole:  # kubectl's bash would put the key before the value once more
        return Completions([word for word in found.words if word[0].endswith("=")], found.directive)
    return found


async def _contexts(_: Session, line: Line) -> Completions:
    raise NotImplementedError  # no cluster is asked


async def _namespaces(session: Session, _: Line) -> Completions:
    return Completions(await names.of_kind(session, names.NAMESPACES))


async def _accounts(session: Session, _: Line) -> Completions:
    return Completions(await names.of_kind(session, names.ACCOUNTS, namespace=session.namespace))


async def _installs(session: Session, line: Line) -> Completions:
    found = await names.of_kind(session, names.INSTALLS, "Package-Name", "Package-Version", namespace=session.namespace)
    return _others(found, line)


async def _repositories(session: Session, line: Line) -> Completions:
    return _others(await names.of_kind(session, names.REPOSITORIES, "Version"), line)


async def _packages(session: Session, _: Line) -> Completions:
    return Completions(await names.packages(session))


async def _packages_and_versions(session: Session, line: Line) -> Completions:
    name, slash, _ = line.incomplete.partition("/")
    if not slash:
        return Completions(await names.packages(session), Directive.NO_FILES | Directive.NO_SPACE)
    return Completions([(f"{name}/{version}", said) for version, said in await names.versions(session, name)], _KEPT)


async def _versions(session: Session, line: Line) -> Completions:
    """Of the package on the line, or of the one that the install on the line has."""
    name = line.last("package_name") or line.last("name")
    if "installed" in line.path:
        name = (await names.package_of_install(session, name)).partition("/")[0]
    return Completions(await names.versions(session, name) if name else (), _KEPT)


async def _keys(session: Session, line: Line) -> Completions:
    from packhouse.client.values_schema import package_of, schema_of
    from packhouse.domain.values_explain import keys

    package = await package_of(session, line.last("package"))
    return Completions([(key, "") for key in keys(schema_of(package) or {})], _KEPT | Directive.NO_SPACE)


async def _sets(session: Session, line: Line) -> Completions:
    """Keys, and behind the equals sign what a key may be."""
    from packhouse.client.values_schema import package_of, schema_of
    from packhouse.domain.values_keys import rows, said
    from packhouse.domain.values_path import parse
    from packhouse.domain.values_shape import Shape

    schema = schema_of(await package_of(session, await _package_on(session, line))) or {}
    key, equals, _ = line.incomplete.partition("=")
    if not equals:
        found = [row for row in rows(schema) if "[]" not in row.key and "<key>" not in row.key]
        return Completions([(f"{row.key}=", row.description) for row in found], _KEPT | Directive.NO_SPACE)
    shape: Shape | None = Shape.of(schema).at(parse(key))
    if shape is None:
        return Completions(())
    choices = [said(choice) for choice in shape.choices] or (["true", "false"] if shape.types == ["boolean"] else [])
    return Completions([(f"{key}={choice}", "") for choice in choices], _KEPT)


async def _package_on(session: Session, line: Line) -> str:
    """The package that the line is about, as "NAME/VERSION", or "NAME"."""
    name, version = line.last("package_name") or line.last("name"), line.last("version") or line.last("after")
    if "installed" in line.path:
        found = await names.package_of_install(session, name)
        return f"{found.partition('/')[0]}/{version}" if version else found
    return f"{name}/{version}" if version else name


def _others(found: list[Named], line: Line) -> Completions:
    """Without those that stand on the line already, where there may be several."""
    given = set(line.given.get(line.param.name, ())) if line.param is not None else set()
    return Completions([(name, text) for name, text in found if name not in given])


#: "VERB:PARAMETER", "NOUN:PARAMETER" or "PARAMETER": where the names come from.
TAKES: Final[Mapping[str, Source]] = {
    "namespace": _namespaces,
    "default_namespace": _namespaces,
    "context": _contexts,
    "service_account": _accounts,
    "repositories": _repositories,
    "set_": _sets,
    "available get:package": _packages_and_versions,
    "available diff:name": _packages,
    "available diff:before": _versions,
    "available diff:after": _versions,
    "install:name": _packages,
    "install:package_name": _packages,
    "install:version": _versions,
    "installed:name": _installs,
    "installed:names": _installs,
    "installed:version": _versions,
    "repository get:name": _repositories,
    "repository update:name": _repositories,
    "repository kick:names": _repositories,
    "repository delete:name": _repositories,
    "values explain:package": _packages_and_versions,
    "values explain:key": _keys,
    "values lint:package": _packages_and_versions,
}
