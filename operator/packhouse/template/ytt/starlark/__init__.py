"""The language of templates: ytt's Starlark, compiled to Python's syntax tree and run.

`lines` is what comes in, `tokens` and `parse` read it to `tree`, `resolve` finds out what each name means, `emit` makes
code of it, `program` runs that. What code does at run time is in `operators`, `access`, `iteration` and `calls`; the
builtins are in `universe`, `methods_text` and `methods_containers`. No value of a template ever reaches an attribute of
Python: emitted code has no attribute access at all, and calls nothing but these helpers.
"""
