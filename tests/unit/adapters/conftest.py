"""Adapters against the outside they are made for.

Real: registries and HTTP servers on loopback, and the control plane where a test is marked `cluster`. Faked: what an
HTTP server answers where the answer is the subject. Asserted: what comes out, and which of our errors is raised.
"""
