"""The step `sops`: which files of the package are decrypted, and what they are called afterwards.

Called through TEMPLATERS. The encrypted files are gone for the steps after it, and no message of those quotes what
stood in them. `name.sops.yml` becomes `name.yml`; a file that `paths` names itself may be called anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from packhouse.api.errors import TemplateFailed, UnsupportedStep
from packhouse.ports import Json
from packhouse.template import selection
from packhouse.template.documents import PREVIOUS, Folder, StepInput, Templater
from packhouse.template.sops import dotenv_file, json_file, yaml_file
from packhouse.template.sops.errors import refused, unsupported
from packhouse.template.sops.keys import Keys

_STEP: Final = "sops"
_NAMED: Final = re.compile(r"(.*[^/])\.sops(\.[^./]+)?")
_FORMS: Final[Mapping[str, Callable[[str, str, Keys], bytes]]] = {
    "yml": yaml_file.decrypt,
    "yaml": yaml_file.decrypt,
    "json": json_file.decrypt,
    "env": dotenv_file.decrypt,
}


def run(step: StepInput, options: Json) -> Folder:
    """Raises TemplateFailed, UnsupportedStep for what no age key opens."""
    if options.get("pgp"):
        raise UnsupportedStep("template step sops: pgp is not supported by this version of packhouse: use age")
    secret = ((options.get("age") or {}).get("privateKeysSecretRef") or {}).get("name")
    if not secret:
        raise TemplateFailed("template step sops: name the Secret with the private keys in age.privateKeysSecretRef")
    paths = options.get("paths") or ()
    if step.previous is not None or PREVIOUS in paths:
        raise TemplateFailed(
            "template step sops: it decrypts files, not the output of a step: let it be the first of the steps"
        )
    keys = Keys(f"Secret {secret}", step.outside.references[("Secret", secret)])
    files = dict(step.files)
    decrypted: set[str] = set()
    for path, target in _chosen(step.files, paths):
        content = _decrypted(path, target, step.files, keys)
        del files[path]
        if target in files:
            raise refused(path, f"it becomes {target}, and the package has such a file; rename one of them")
        files[target] = content
        decrypted.add(target)
    return Folder(files, frozenset(decrypted))


def _chosen(files: Mapping[str, bytes], paths: list[str] | tuple[()]) -> Iterator[tuple[str, str]]:
    """Each file once, with its name afterwards."""
    seen: set[str] = set()
    for path in paths or ["."]:
        for name in selection.below(files, path, _STEP):
            if name in seen:
                continue
            found = _NAMED.fullmatch(name)
            if found is not None:
                seen.add(name)
                yield name, found[1] + (found[2] or "")
            elif name == selection.plain(path):
                seen.add(name)
                yield name, name


def _decrypted(path: str, target: str, files: Mapping[str, bytes], keys: Keys) -> bytes:
    suffix = target.rpartition("/")[2].rpartition(".")[2]
    if suffix == "ini":
        raise unsupported(path, "files of the form ini are not supported; use yaml, json, env, or a whole file")
    form = _FORMS.get(suffix, json_file.decrypt_whole)
    return form(path, selection.text(files, path), keys)


SOPS: Final = Templater(run=run, options=frozenset({"paths", "pgp", "age"}))
