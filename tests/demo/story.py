"""The story of the demo: chapters in order, each a function. What a chapter shows, it checks.

Called by `__main__` with a stage that has a cluster and a registry. A chapter raises CommandFailed or NotAsTold; none
of them sleeps, kubectl waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demo import examples
from demo.examples import Offer
from demo.stage import BASE, CRDS, NAMESPACE, REPOSITORY, Stage, claim, start_operator
from demo.tables import NotAsTold, read_tables, same

Chapter = Callable[[Stage], None]

HERE = ("-n", NAMESPACE)
OWNED = ("-l", "install.package.carvel.dev/owner")
TIMEOUT = "--timeout=120s"  # a real node pulls an image first
PACKAGE_COLUMNS = ("NAME", "PUBLIC-NAME", "VERSION", "AGE")
REPOSITORY_COLUMNS = ("NAME", "VERSION", "PACKAGES", "DESCRIPTION", "AGE")
INSTALL_COLUMNS = ("NAME", "PACKAGE-NAME", "PACKAGE-VERSION", "DESCRIPTION", "AGE")
NEWER = Offer("web", "1.2.0")
#: The installs of docs/examples, by the file.
EXAMPLES = ("constraint", "pinned", "values", "crontab")
#: The kinds that the example packages hold, as kubectl is asked for them.
NAMESPACED = "deployments,services,configmaps,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies"
CLUSTER_WIDE = "clusterroles,customresourcedefinitions"
#: Kubernetes puts it into every namespace.
NOBODYS = {"configmap/kube-root-ca.crt"}


def operator(stage: Stage) -> None:
    """The operator"""
    claim(stage)
    stage.home.kubectl("apply", "--server-side", *CRDS)
    stage.home.kubectl("wait", "--for=condition=Established", "-f", "crds", TIMEOUT)
    stage.screen.note(f"its account and roles come from {BASE}; the operator holds that account's token alone")
    stage.screen.command("packhouse operator")
    start_operator(stage)
    stage.screen.note("it runs, and knows that the catalogue is empty")


def bundles(stage: Stage) -> None:
    """Packages become bundles in the registry"""
    stage.screen.note(f"in a copy of docs/examples: {stage.folder}")
    offers = examples.copy(stage.folder, stage.registry.host)
    references = {offer: _push(stage, f"{offer.name}:{offer.version}", str(offer.folder)) for offer in offers}
    same("the bundles differ", len(offers), len(set(references.values())))
    stage.screen.note("a repository is a bundle too; web 1.2.0 is held back for later")
    examples.put_on_offer(stage.folder, references, [offer for offer in offers if offer != NEWER])
    _push(stage, "repository:stable", "repository")
    # for later: it is in the folder, and not yet in the registry
    examples.put_on_offer(stage.folder, references, [NEWER])


def catalogue(stage: Stage) -> None:
    """The repository becomes Packages"""
    kubectl, table = stage.shell.kubectl, stage.shell.table
    kubectl("apply", "-f", "repository.yaml")
    kubectl("wait", "--for=condition=Ready", f"packagerepository/{REPOSITORY}", TIMEOUT)
    repositories = table("packagerepositories")
    same("columns of packagerepositories", REPOSITORY_COLUMNS, repositories.columns)
    same("the tag of the repository", ["stable"], repositories.column("VERSION"))
    same("what the repository brings", ["4"], repositories.column("PACKAGES"))
    _expect_packages(stage, "crontab 1.0.0", "web 1.0.0", "web 1.1.0", "web 2.0.0-rc.1")


def installs(stage: Stage) -> None:
    """Installs, each under the rights of its own service account"""
    kubectl = stage.shell.kubectl
    kubectl("apply", "-f", "install-rbac.yaml")
    kubectl("apply", *(word for name in EXAMPLES for word in ("-f", f"install-{name}.yaml")))
    kubectl("wait", "--for=condition=Ready", "installedpackages", "--all", *HERE, TIMEOUT)
    stage.screen.note("web wants >=1.1.0 <2.0.0; 2.0.0-rc.1 is a prerelease and is not taken")
    _expect_installs(stage, {"crontab": "1.0.0", "web": "1.1.0", "web-pinned": "1.0.0", "web-with-values": "1.1.0"})
    kubectl("wait", "--for=condition=Available", "deployments", "--all", *HERE, TIMEOUT)


def objects(stage: Stage) -> None:
    """What was applied"""
    kubectl = stage.shell.kubectl
    found = kubectl("get", NAMESPACED, *HERE, "-l", "app.kubernetes.io/instance=web")
    expected = ["configmap/web", "deployment.apps/web", "poddisruptionbudget.policy/web", "service/web"]
    same("the objects of web", expected, sorted(name for one in read_tables(found) for name in one.column("NAME")))
    page = kubectl("get", "configmap", "web-with-values", *HERE, "-o", r"jsonpath={.data.index\.html}")
    if "<p>Set by a values Secret</p>" not in page:
        raise NotAsTold("the page of web-with-values does not hold the message of its values Secret")
    crontabs = stage.shell.table("crontabs", *HERE)
    same("the objects of the new kind", ["nightly"], crontabs.column("NAME"))
    same("the recorded objects of crontab", 4, len(_inventory(stage, "crontab")))
    found = kubectl("get", CLUSTER_WIDE, *OWNED, "-o", "name")
    same("the objects of no namespace", 3, len(found.split()))


def upgrade(stage: Stage) -> None:
    """A newer version is published, and installed without anybody asking"""
    kubectl = stage.shell.kubectl
    _push(stage, "repository:stable", "repository")
    stage.screen.note("it would be seen within the repository's syncPeriod (1m here); any annotation makes it look now")
    kubectl("annotate", f"packagerepository/{REPOSITORY}", "example.com/look=again")
    kubectl("wait", "--for=jsonpath={.status.version}=1.2.0", "installedpackage/web", *HERE, TIMEOUT)
    kubectl("wait", "--for=condition=Ready", "installedpackages", "--all", *HERE, TIMEOUT)
    _expect_packages(stage, "crontab 1.0.0", "web 1.0.0", "web 1.1.0", "web 1.2.0", "web 2.0.0-rc.1")
    _expect_installs(stage, {"crontab": "1.0.0", "web": "1.2.0", "web-pinned": "1.0.0", "web-with-values": "1.1.0"})
    stage.screen.note("1.2.0 brings an object that 1.1.0 did not have")
    same("the network policies", ["web"], stage.shell.table("networkpolicies", *HERE).column("NAME"))
    kubectl("rollout", "status", "deployment/web", *HERE, TIMEOUT)


def deletion(stage: Stage) -> None:
    """Deletion leaves nothing behind"""
    kubectl = stage.shell.kubectl
    kubectl("delete", "installedpackages", "--all", *HERE, TIMEOUT)
    kubectl("wait", "--for=delete", "pods", "--all", *HERE, TIMEOUT)
    stage.screen.note(f"what is left in {NAMESPACE} of the kinds that were installed: Kubernetes' own")
    left = set(kubectl("get", f"{NAMESPACED},replicasets,pods", *HERE, "-o", "name").split())
    same("objects left in the namespace", set(), left - NOBODYS)
    left = set(kubectl("get", CLUSTER_WIDE, *OWNED, "-o", "name").split())
    same("objects left in the cluster", set(), left)
    kubectl("delete", "packagerepository", REPOSITORY, TIMEOUT)
    _expect_packages(stage)
    if "Traceback" in stage.operator_said():
        raise NotAsTold("the operator met a bug of its own: its log has a traceback")


def once_more(stage: Stage) -> None:
    """Once more, to look around"""
    kubectl = stage.shell.kubectl
    kubectl("apply", "-f", "repository.yaml")
    # an install that came first would take the highest version that has arrived, and move on with the next
    kubectl("wait", "--for=condition=Ready", f"packagerepository/{REPOSITORY}", TIMEOUT)
    kubectl("apply", "-f", "install-constraint.yaml")
    kubectl("wait", "--for=condition=Ready", "installedpackage/web", *HERE, TIMEOUT)
    _expect_installs(stage, {"web": "1.2.0"})


CHAPTERS: Sequence[Chapter] = (operator, bundles, catalogue, installs, objects, upgrade, deletion)


def _push(stage: Stage, image: str, folder: str) -> str:
    """The reference with its digest, as the command prints it."""
    return stage.shell.packhouse("bundle", "push", f"{stage.registry.host}/{image}", "-f", folder).strip()


def _expect_packages(stage: Stage, *expected: str) -> None:
    """Show the catalogue; `expected` are a folder and a version each; of other domains there may be more."""
    found = stage.shell.table("packages")
    if found.rows:
        same("columns of packages", PACKAGE_COLUMNS, found.columns)
    offers = [Offer(*words.split()) for words in expected]
    same(
        "the packages",
        [(f"{offer.public_name}.{offer.version}", offer.public_name, offer.version) for offer in offers],
        [tuple(row[name] for name in PACKAGE_COLUMNS[:3]) for row in found.rows if examples.DOMAIN in row["NAME"]],
    )


def _expect_installs(stage: Stage, expected: dict[str, str]) -> None:
    found = stage.shell.table("installedpackages", *HERE)
    same("columns of installedpackages", INSTALL_COLUMNS, found.columns)
    same("the installed versions", expected, {row["NAME"]: row["PACKAGE-VERSION"] for row in found.rows})


def _inventory(stage: Stage, install: str) -> list[str]:
    """What the operator recorded, as apiVersion/kind/namespace/name."""
    lines = 'jsonpath={range .status.inventory[*]}{.ref}{"\\n"}{end}'
    return stage.shell.kubectl("get", "installedpackage", install, *HERE, "-o", lines).split()
