"""Which data values a set of files takes: types, defaults and rules, from documents marked `#@data/values-schema`.

`build` makes a `Schema` of one document (the schema documents of a library are overlaid before); `permissive` is the
one of a library without any. The workspace asks a schema for its default values, gives it each merged document to
fill in and to check, and has the last one validated; `openapi.document` is what authors export. Nothing here merges
documents or runs files.
"""

from packhouse.template.ytt.schema.document import Schema, build, permissive

__all__ = ["Schema", "build", "permissive"]
