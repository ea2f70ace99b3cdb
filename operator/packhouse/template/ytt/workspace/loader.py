"""Evaluates files: reads, compiles (or finds both in the cache), runs, and answers their `load`.

The execution of a library makes one with the data values that its files see. What a file exports is evaluated once and
given to all that load it: it is frozen, so that nobody can tell. Which files there are and which are for output is not
decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from packhouse.template.ytt.compile.starlark_template import compile_starlark
from packhouse.template.ytt.compile.template import Evaluated, Template
from packhouse.template.ytt.compile.text_template import compile_text
from packhouse.template.ytt.compile.yaml_template import compile_yaml
from packhouse.template.ytt.errors import CodeError, YttError
from packhouse.template.ytt.modules import MODULES
from packhouse.template.ytt.modules.data import data_module
from packhouse.template.ytt.nodes import DocumentSet, Source, Value
from packhouse.template.ytt.values import Module
from packhouse.template.ytt.workspace.files import File, Kind
from packhouse.template.ytt.workspace.folders import Library, LibraryFile, Place
from packhouse.template.ytt.workspace.parsed import ParsedFile
from packhouse.template.ytt.workspace.session import Session
from packhouse.template.ytt.yaml.read import read

Globals = Mapping[str, Any]
_NOTHING: Globals = {}


class Loader:
    """`library_of` makes the module `@ytt:library` for a place."""

    def __init__(self, session: Session, values: Value, library_of: Callable[[Place], Module]) -> None:
        self._session = session
        self._values = values
        self._library_of = library_of
        self._exports: dict[tuple[int, int], Globals] = {}
        self._running: list[tuple[int, int]] = []

    def evaluate_yaml(self, place: Place, file: File) -> tuple[Globals, DocumentSet]:
        """What it exports, and its documents. Raises YttError."""
        parsed = parsed_file(self._session, file)
        if not parsed.is_template:
            return _NOTHING, parsed.documents
        options = self._session.options

        def compiled() -> Template:
            return compile_yaml(
                parsed.documents,
                ignore_unknown_comments=options.ignore_unknown_comments,
                implicit_map_key_overrides=options.implicit_map_key_overrides,
            )

        what = ("yaml template", options.strict, options.ignore_unknown_comments, options.implicit_map_key_overrides)
        try:
            template = self._session.cache.get(file, what, compiled)
        except CodeError:
            raise
        except YttError as error:
            raise YttError(f"Compiling YAML template '{file.path}': {error.message}") from None
        evaluated = self._run(template, place)
        return evaluated.globals, evaluated.result

    def evaluate_text(self, place: Place, file: File) -> tuple[Globals, str]:
        """What it exports, and its text. Raises YttError."""
        if not file.is_template and not file.is_library:
            return _NOTHING, file.raw_text()
        try:
            template = self._session.cache.get(file, "text template", lambda: compile_text(_source(file)))
        except CodeError as error:
            raise YttError(f"Evaluating text template: {error.message}") from None
        except YttError as error:
            raise YttError(f"Parsing text template '{file.path}': {error.message}") from None
        try:
            evaluated = self._run(template, place)
        except YttError as error:
            raise YttError(f"Evaluating text template: {error.message}") from None
        return evaluated.globals, evaluated.result

    def exported(self, place: Place, file: File) -> Globals:
        """What a library file exports, evaluated once for each root that it is loaded from. Raises YttError."""
        key = (id(file), id(place.root))
        if key not in self._exports:
            if key in self._running:
                raise YttError(f"cycle in load graph: file '{file.path}' loads itself")
            self._running.append(key)
            try:
                self._exports[key] = self._evaluated(place, file)
            finally:
                self._running.pop()
        return self._exports[key]

    def _evaluated(self, place: Place, file: File) -> Globals:
        if file.kind is Kind.YAML:
            return self.evaluate_yaml(place, file)[0]
        if file.kind is Kind.TEXT:
            return self.evaluate_text(place, file)[0]
        if file.kind is not Kind.STARLARK:
            raise YttError(f"File '{file.path}' type is not a known")
        try:
            template = self._session.cache.get(file, "starlark template", lambda: compile_starlark(_source(file)))
            return self._run(template, place).globals
        except YttError as error:
            raise YttError(f"Evaluating starlark template: {error.message}") from None

    def _run(self, template: Template, place: Place) -> Evaluated:
        return template.evaluate(self._session.thread, lambda module: self._loaded(place, module))

    def _loaded(self, place: Place, module: str) -> Globals:
        """What `load(module, ...)` gives at a place. Raises YttError."""
        path = module
        if module.startswith("@"):
            name, colon, path = module[1:].partition(":")
            if not colon:
                raise YttError(
                    "Expected library path to be in format '@name:path' "
                    "e.g. '@github.com/vmware-tanzu/test:test.star' or '@ytt:base64'"
                )
            if name == "ytt":
                return {path: self._builtin(place, path)}
            library = place.current.private(name)
            place = Place(library, library)
        found = _find(place, path)
        if not found.file.is_library:
            raise YttError(
                f"Expected file '{found.file.path}' to be a library file, but was not (hint: library filename must end "
                "with '.lib.yml' or '.star'; use data.read(...) for loading non-templated file contents)"
            )
        return self.exported(Place(found.home, place.root), found.file)

    def _builtin(self, place: Place, name: str) -> Module:
        if name == "data":
            return data_module(self._values, FilesAt(place))
        if name == "library":
            return self._library_of(place)
        if name not in MODULES:
            raise YttError(
                f"builtin ytt library does not have module '{name}' (hint: is it available in newer version of ytt?)"
            )
        return MODULES[name]


class FilesAt:
    """What `data.list` and `data.read` see at a place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def paths(self, folder: str) -> list[str]:
        library, path = _from_root(self._place, folder)
        if path:
            library = library.folder(path)
        prefix = "/" if folder.startswith("/") else ""
        return [prefix + found.path for found in library.accessible()]

    def text(self, path: str) -> str:
        return _find(self._place, path).file.raw_text()


def parsed_file(session: Session, file: File) -> ParsedFile:
    """A file of YAML as it was read, nothing computed. Raises YttError."""
    comments = file.is_template or file.is_library

    def parsed() -> ParsedFile:
        text = file.yaml_text()
        documents = read(Source(file.path, text), comments=comments, strict=session.options.strict)
        return ParsedFile(documents, text, comments)

    try:
        return session.cache.get(file, ("yaml", comments, session.options.strict), parsed)
    except YttError as error:
        raise YttError(f"Unmarshaling YAML template '{file.path}': {error.message}") from None


def _source(file: File) -> Source:
    return Source(file.path, file.raw_text())


def _find(place: Place, path: str) -> LibraryFile:
    library, path = _from_root(place, path)
    return library.find(path)


def _from_root(place: Place, path: str) -> tuple[Library, str]:
    """Where a path begins: "/" means the root of the library."""
    return (place.root, path[1:]) if path.startswith("/") else (place.current, path)
