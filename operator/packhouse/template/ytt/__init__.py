"""The step `ytt`: templates of the Carvel project, in Python, byte for byte as the original renders them.

From text to text: `yaml` reads files into nodes and prints them, `compile` makes code of a template, `starlark` runs
it, `schema` and `validations` know data values, `overlay` merges, `modules` is what `load("@ytt:...")` gives,
`workspace` runs a set of files, `engine` is the template step. The rooms below know nodes, values and errors of this
folder, and none of them knows the operator.
"""
