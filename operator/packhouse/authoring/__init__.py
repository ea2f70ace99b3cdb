"""Making packages: a folder on disk is read, rendered without a cluster, compared, judged, and given to others.

Rooms here read and return values; cli/ reads words and prints. What the operator would make of a package is asked of
the operator's own code: its reading of bundles, and the renderer's process.
"""
