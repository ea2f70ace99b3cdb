"""What a template may do: read its context, call harmless methods of plain values, and nothing else.

Stricter than jinja2's own sandbox: attributes exist for a list of types only, `*` and `**` are weighed before they are
computed, and what has no text is not printed. Time, memory and output are limited outside, per job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined, TemplateNotFound, UndefinedError
from jinja2.bccache import Bucket
from jinja2.environment import TemplateModule
from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace, missing

from packhouse.domain.type_names import type_name
from packhouse.template.jinja.files import Files
from packhouse.template.jinja.filters import FILTERS
from packhouse.template.jinja.problems import MissingName, Refusal

#: The names that every template sees.
CONTEXT: Final = ("values", "package", "install", "cluster", "files")

_LENGTH_MOST: Final = 10_000_000  # characters or items that `*` may give
_BITS_MOST: Final = 4_096  # of a number that `*`, `**` may give

#: Types whose attributes a template may read (names with an underscore in front never).
_OPEN_TYPES: Final[tuple[type, ...]] = (
    *(str, int, float, list, tuple, dict, type({}.keys()), type({}.values()), type({}.items())),
    *(Files, TemplateModule, LoopContext, Macro, TemplateReference, BlockReference, Cycler, Joiner, Namespace),
)

#: jinja2's own that give another text each time, or the inside of a value.
_TAKEN_OUT: Final = ("random", "pprint", "xmlattr", "urlize")


class Missing(StrictUndefined):
    """What a name that is not there stands for: any use of it is an error that knows the names nearby."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        def placed(_: str) -> MissingName:
            return _missing_name(obj, name)

        own = hint is None and exc is UndefinedError
        super().__init__(hint, obj, name, cast(type[TemplateRuntimeError], placed) if own else exc)


def _missing_name(obj: Any, name: object) -> MissingName:
    if obj is missing:
        return MissingName(name, CONTEXT, "")
    if isinstance(obj, Mapping):
        return MissingName(name, [key for key in obj if isinstance(key, str)], "this map")
    return MissingName(name, [], type_name(obj))


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Made anew for each step: nothing that one package leaves behind is seen by the next."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, loader: BaseLoader, compiled: BytecodeCache) -> None:
        # With these three a line that holds only a block leaves no trace, and an included file ends its last line.
        super().__init__(
            loader=loader,
            bytecode_cache=compiled,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=Missing,
            finalize=as_text,
            autoescape=False,
        )
        self.globals.pop("lipsum")
        for name in _TAKEN_OUT:
            self.filters.pop(name)
        self.filters.update(FILTERS)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, _OPEN_TYPES) and super().is_safe_attribute(obj, attr, value)

    def is_safe_callable(self, obj: Any) -> bool:
        return not (
            isinstance(obj, type) and obj not in (dict, Namespace, Cycler, Joiner)
        ) and super().is_safe_callable(obj)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a map comes before its methods: `values.items` is the user's own where there is one."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        weight = _weight(operator, left, right)
        if weight is not None:
            raise Refusal(f"{operator} gives {weight}")
        return super().call_binop(context, operator, left, right)

    def join_path(self, template: str, parent: str) -> str:
        """`./x` and `../x` are relative to the file that names them, all else to the fetched folder."""
        if not template.startswith(("./", "../")):
            return template
        parts = parent.split("/")[:-1]
        for part in template.split("/"):
            if part == "..":
                if not parts:
                    raise TemplateNotFound(template)
                parts.pop()
            elif part != ".":
                parts.append(part)
        return "/".join(parts)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """As it is: problems.py walks the real traceback."""
        raise


def as_text(value: Any) -> Any:
    """What `{{ }}` writes: null, true and false as YAML spells them, maps and lists as JSON, which is YAML too."""
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrictUndefined):
        return str(value)  # raises
    if isinstance(value, dict | list | tuple):
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):
            raise Refusal(f"{type_name(value)} holds what JSON cannot say") from None
    raise Refusal(f"a {type(value).__name__} has no text: call it with (), or name one of its parts")


def _weight(operator: str, left: Any, right: Any) -> str | None:
    """Why the result would be too large, None if it is not."""
    if operator == "**":
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _BITS_MOST:
            return f"a number of more than {_BITS_MOST} bits"
        return None
    for some, times in ((left, right), (right, left)):
        if isinstance(some, str | list | tuple) and isinstance(times, int) and len(some) * times > _LENGTH_MOST:
            return f"more than {_LENGTH_MOST:,} characters or items"
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _BITS_MOST:
        return f"a number of more than {_BITS_MOST} bits"
    return None


class Sources(BaseLoader):
    """The files of one package as templates; `texts` keeps those that were read, for messages."""

    def __init__(self, files: Mapping[str, bytes], given: Mapping[str, str]) -> None:
        self._files = Files(files)
        self.texts: dict[str, str] = dict(given)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        if template not in self.texts:
            if template not in self._files:
                raise TemplateNotFound(template)
            self.texts[template] = self._files.get(template)
        return self.texts[template], template, None


class CompiledTemplates(BytecodeCache):
    """Compiled templates by path and content, kept over jobs while they are among the last `most`."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._code: dict[tuple[str, str], Any] = {}

    def get_source_checksum(self, source: str) -> str:
        """A strong digest: templates of others share this cache."""
        return hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.pop((bucket.key, bucket.checksum), None)
        if bucket.code is not None:
            self.dump_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code
        if len(self._code) > self._most:
            del self._code[next(iter(self._code))]
