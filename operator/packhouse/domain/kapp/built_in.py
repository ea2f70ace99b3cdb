"""Rules that hold for the objects of every package, as kapp has them: those that server-side apply does not make idle.

Of kapp's own Config, most rules let fields of the cluster be; with server-side apply, a field that is not rendered is
not touched anyway. Its order of kinds is that of domain/order.py. What remains stands here.
"""

from __future__ import annotations

from typing import Final

from packhouse.domain.kapp.config_values import Config, RebaseRule, Reference, Source, TemplateRule
from packhouse.domain.kapp.matchers import Matcher, read_matchers
from packhouse.domain.kapp.paths import AllIndexes, Path

_ALL: Final = AllIndexes()


def _of(*kinds: tuple[str, str]) -> Matcher:
    """Objects of one of the kinds, each given with its group, in whatever version."""
    wire = [{"apiGroupKindMatcher": {"apiGroup": group, "kind": kind}} for group, kind in kinds]
    return read_matchers(wire, "built in")


_WORKLOADS: Final = _of(
    *(("apps", kind) for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")), ("batch", "Job")
)
_CRON_JOB: Final = _of(("batch", "CronJob"))
_POD: Final = _of(("", "Pod"))
_SERVICE_ACCOUNT: Final = _of(("", "ServiceAccount"))

#: Where workloads have the template of their pods.
POD_TEMPLATES: Final[tuple[tuple[Matcher, Path], ...]] = (
    (_WORKLOADS, ("spec", "template")),
    (_CRON_JOB, ("spec", "jobTemplate", "spec", "template")),
)

_PODS: Final = ((_POD, ()), *POD_TEMPLATES)


def _in_pods(*paths: Path, name_key: str = "name") -> tuple[Reference, ...]:
    """References at `paths` below the spec of a pod, in pods and in all that make them."""
    return tuple(Reference(matches, (*at, "spec", *path), name_key) for matches, at in _PODS for path in paths)


def _in_containers(one: str, all_keys: str) -> tuple[Reference, ...]:
    """References to one key of an object, and to all of them, in the environment of containers."""
    return _in_pods(
        *((containers, _ALL, "env", _ALL, "valueFrom", one) for containers in ("containers", "initContainers")),
        *((containers, _ALL, "envFrom", _ALL, all_keys) for containers in ("containers", "initContainers")),
    )


_CONFIG_MAPS: Final = TemplateRule(
    _of(("", "ConfigMap")),
    (
        *_in_containers("configMapKeyRef", "configMapRef"),
        *_in_pods(("volumes", _ALL, "configMap"), ("volumes", _ALL, "projected", "sources", _ALL, "configMap")),
    ),
)

_SECRETS: Final = TemplateRule(
    _of(("", "Secret")),
    (
        *_in_containers("secretKeyRef", "secretRef"),
        *_in_pods(("volumes", _ALL, "projected", "sources", _ALL, "secret"), ("imagePullSecrets", _ALL)),
        *_in_pods(("volumes", _ALL, "secret"), name_key="secretName"),
        *(Reference(_SERVICE_ACCOUNT, (key, _ALL)) for key in ("imagePullSecrets", "secrets")),
    ),
)

#: The control plane writes the rules of an aggregated ClusterRole: applying any would be a fight that nobody wins.
_AGGREGATED: Final = RebaseRule(
    read_matchers(
        [
            {
                "andMatcher": {
                    "matchers": [
                        {"apiGroupKindMatcher": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}},
                        {"notMatcher": {"matcher": {"emptyFieldMatcher": {"path": ["aggregationRule"]}}}},
                    ]
                }
            }
        ],
        "built in",
    ),
    (("rules",),),
)

#: secretgen-controller fills in the pull secrets that packages bring as an empty shell.
_PULL_SECRETS: Final = RebaseRule(
    read_matchers(
        [
            {
                "andMatcher": {
                    "matchers": [
                        {"apiGroupKindMatcher": {"apiGroup": "", "kind": "Secret"}},
                        {"hasAnnotationMatcher": {"keys": ["secretgen.carvel.dev/image-pull-secret"]}},
                        {
                            "notMatcher": {
                                "matcher": {
                                    "hasAnnotationMatcher": {
                                        "keys": ["kapp.k14s.io/disable-default-secretgen-rebase-rules"]
                                    }
                                }
                            }
                        },
                    ]
                }
            }
        ],
        "built in",
    ),
    (("data", ".dockerconfigjson"), ("metadata", "annotations", "secretgen.carvel.dev/status")),
    (Source.EXISTING, Source.NEW),
)

BUILT_IN: Final = Config(rebase=(_AGGREGATED, _PULL_SECRETS), templates=(_CONFIG_MAPS, _SECRETS))
