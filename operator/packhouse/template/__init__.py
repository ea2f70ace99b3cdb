"""Stage 2: from the files of a package and its values to objects, inside a process that holds no secret of ours.

The operator's side knows only ports.Renderer. `server` takes jobs from a Unix socket, `worker` carries one out at a
time under limits, `pipeline` runs its template steps, and each engine is a file or folder here with one entry in the
table TEMPLATERS.

Promise: nothing that a worker runs looks anything up. A job brings all that it may see; its answer is JSON.
"""
