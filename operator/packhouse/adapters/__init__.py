"""The outside world: one file per foreign library or service, each behind a port of ports.py.

Foreign errors stop here: what leaves this room is one of api/errors.py.
"""
