"""Where in a package's folder something stands: what messages of the renderer name, and what objects came from.

An object that was rendered knows no line: its place is looked for in the files, and may not be found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import PackhouseError
from packhouse.authoring.project import Place, Project, shown
from packhouse.ports import Json

_BEGINS: Final = re.compile(r"(?P<output>output of )?(?P<file>[^\s:]+):(?P<line>\d+): (?P<rest>.*)", re.DOTALL)
_DOCUMENTS: Final = re.compile(r"^(?=---)", re.MULTILINE)
_YTT: Final = "ytt: Error: "
_YTT_LINE: Final = re.compile(r"^\s+(?P<file>[^\s:]+):(?P<line>\d+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts of the bundle's files, by path below its top."""

    project: Project
    texts: dict[str, str]

    @classmethod
    def of(cls, project: Project) -> Sources:
        texts = {}
        for name, content in project.files().items():
            try:
                texts[name] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                continue
        return cls(project, texts)

    def place(self, name: str, line: int = 0) -> Place:
        return Place(shown(self.project.content / name), line)

    def search(self, *expressions: str) -> Place | None:
        """The first line that the first expression is found in; the others must be in the same document."""
        first, *others = [re.compile(expression, re.MULTILINE) for expression in expressions]
        for name, text in sorted(self.texts.items()):
            begins = 0
            for document in _DOCUMENTS.split(text):
                if (found := first.search(document)) and all(other.search(document) for other in others):
                    return self.place(name, text.count("\n", 0, begins + found.start()) + 1)
                begins += len(document)
        return None

    def of_object(self, obj: Json, line: str = "") -> Place | None:
        """Where an object is written: its kind, or the line that an expression is found in; by its name, where that is
        written out."""
        kind, name = _line("kind", obj["kind"]), _line("name", (obj.get("metadata") or {}).get("name", ""))
        asked = [line, kind] if line else [kind]
        return self.search(*asked, name) or self.search(*asked)

    def located(self, message: str) -> tuple[Place | None, str]:
        """What a message of the renderer begins with as a place, and the rest of it."""
        found = _BEGINS.fullmatch(message)
        if found and (name := self._named(found["file"])) is not None:
            if found["output"]:
                return self.place(name), f"line {found['line']} of what it renders: {found['rest']}"
            return self.place(name, int(found["line"])), found["rest"]
        if message.startswith(_YTT):
            message = "ytt: " + message.removeprefix(_YTT).lstrip(" -\n").rstrip()
        for line in _YTT_LINE.finditer(message):
            if (name := self._named(line["file"])) is not None:
                return self.place(name, int(line["line"])), message
        return None, message

    def _named(self, file: str) -> str | None:
        """A file by its path below the folder that a step named; None where that may be several."""
        found = [name for name in self.texts if name == file or name.endswith(f"/{file}")]
        return found[0] if len(found) == 1 else None


def relocated(error: PackhouseError, project: Project) -> PackhouseError:
    """The same error, its file named as from the working folder."""
    place, rest = Sources.of(project).located(error.message)
    return type(error)(rest if place is None else f"{place}: {rest}")


def _line(key: str, value: str) -> str:
    return rf"^ *{key}: *[\"']?{re.escape(value)}[\"']?\s*$"
