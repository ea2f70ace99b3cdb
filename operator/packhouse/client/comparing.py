"""Two versions of one package beside each other: what they take, and what they give, rendered as a new install of each.

No object of the cluster is looked at but the packages. Where a version cannot be rendered, its values still compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.errors import PackhouseError
from packhouse.api.views import Package
from packhouse.client import catalogue
from packhouse.client.new_values import values_for
from packhouse.client.proposals import Wanted, installed_package, values_secret
from packhouse.client.rehearsal import Proposal, rendered
from packhouse.client.session import Session
from packhouse.client.values import rows
from packhouse.client.workshop import Workshop, workshop
from packhouse.domain.version_changes import KeyChange, ObjectChange, key_changes, object_changes
from packhouse.ports import Json, ValuesDocument


@dataclass(frozen=True, slots=True)
class Comparison:
    """`objects` None: not both could be rendered, and `problems` say why. `unchanged`: how many are alike in both."""

    keys: Sequence[KeyChange]
    objects: Sequence[ObjectChange] | None
    unchanged: int
    warnings: Sequence[str]
    problems: Sequence[str]


async def compared(
    session: Session,
    public_name: str,
    versions: tuple[str, str],
    texts: Sequence[ValuesDocument] = (),
    sets: Sequence[str] = (),
) -> Comparison:
    """Raises NotFound."""
    packages = [await catalogue.find(session, f"{public_name}/{version}") for version in versions]
    before, after = (rows(Package.from_wire(package).values_schema or {}) for package in packages)
    warnings: list[str] = []
    problems: list[str] = []
    given: list[Sequence[Json]] = []
    async with workshop(session.settings) as shop:
        for package in packages:
            try:
                given.append(await _objects(session, package, texts, sets, shop, warnings))
            except PackhouseError as error:
                problems.append(f"{public_name} {package['spec']['version']} cannot be rendered: {error.message}")
    if problems:
        return Comparison(key_changes(before, after), None, 0, warnings, problems)
    changes = object_changes(*given)
    together = sum(change.after is not None for change in changes)
    return Comparison(key_changes(before, after), changes, len(given[1]) - together, warnings, ())


async def _objects(
    session: Session,
    package: Json,
    texts: Sequence[ValuesDocument],
    sets: Sequence[str],
    shop: Workshop,
    warnings: list[str],
) -> Sequence[Json]:
    spec = package["spec"]
    name = spec["publicName"]
    secrets = []
    if texts or sets:
        values, told = await values_for(session, package, texts, sets)
        warnings += [text for text in told if text not in warnings]
        secrets.append(values_secret(session.namespace, name, values))
    wanted = Wanted(
        namespace=session.namespace,
        name=name,
        account=name,
        package_ref={"publicName": name, "version": spec["version"]},
        secrets=[secret["metadata"]["name"] for secret in secrets],
    )
    rendering = await rendered(session, Proposal(installed_package(wanted), secrets), shop)
    warnings += [text for text in rendering.warnings if text not in warnings]
    return rendering.objects
