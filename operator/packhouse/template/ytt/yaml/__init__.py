"""Text to nodes and back, byte for byte as the original does it: YAML (read, write) and JSON.

Called by the workspace for files and output and by the modules `@ytt:yaml` and `@ytt:json`. No template runs here, and
whatever a text holds, YttError is all that leaves.
"""
