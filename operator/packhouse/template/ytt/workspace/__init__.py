"""Runs a set of files as the original does: schemas, data values, templates, overlays, libraries.

`render.py` is the door for the template step and the command; nothing here knows where files come from.
"""
