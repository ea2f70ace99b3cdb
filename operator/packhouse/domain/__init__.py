"""Decisions: which version, which values, which objects, in which order.

Promise: everything in here is pure. Nothing reads a clock, a file, the environment or the network; nothing logs,
sleeps or keeps state beyond bounded caches of what was parsed. Time, randomness and content come in as arguments,
what was decided goes out as a frozen value or as an error of api/errors.py. Rooms may import api/ and ports.py
(for its plain values), never a stage, an adapter or reconcile/. import-linter holds the promise.
"""
