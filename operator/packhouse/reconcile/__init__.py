"""The story: gather, decide, act, report; one file per kind of object.

Level based: a reconcile reads spec, recorded status and the world, and enforces the whole; it never asks which event
woke it. It knows ports, never an adapter. outcome.py is the only map from errors to conditions, report.py the only
writer of status.
"""
