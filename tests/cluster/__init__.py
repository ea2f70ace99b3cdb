"""The real cluster that tests and the demo run against.

`find` decides where the cluster comes from, `controlplane` starts one of our own, `registry` starts an OCI registry,
`binaries` builds their programs. tests/conftest.py and `python -m cluster` call them. Nothing here is part of
Packhouse, and nothing here imports it.
"""
