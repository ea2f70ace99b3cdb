"""The demo's own rooms. Real: files in a temporary folder, small programs, docs/examples as they stand.

No cluster and no registry: `make demo` itself is the test of the story. Asserted are what is printed, what is read from
kubectl's tables, and what is written into the copy of the examples.
"""
