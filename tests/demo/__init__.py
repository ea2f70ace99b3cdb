"""The demo: docs/examples played from the push to the deletion, on a real cluster, with everything shown checked.

`story` tells what happens, chapter by chapter; `stage` starts what it needs and cleans up; `examples` prepares the
files; `shell` runs commands as a person would type them; `tables` reads what kubectl prints; `screen` prints. Nothing
here is part of Packhouse.
"""
