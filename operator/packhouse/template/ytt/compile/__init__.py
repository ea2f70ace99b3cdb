"""Templates are made into programs here, and programs are run into documents or text.

`compile_yaml`, `compile_text` and `compile_starlark` make a `Template`; the workspace keeps it and evaluates it as
often as it likes. What is plain in a file is never copied: its nodes are handed on as they were read. Files, libraries
and data values are not known here: whatever a template loads, the caller gives.
"""
