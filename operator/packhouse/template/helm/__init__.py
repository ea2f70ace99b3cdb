"""The step `helmTemplate`: charts rendered by the real helm, as a program beside the worker.

`engine` is the step; `chart` packs the files that helm sees, `ignore` reads .helmignore, `output` reads what helm
printed, `hooks` says what becomes of hooks. `program` runs helm once within limits, `launcher` is the process that
does so for a worker, which itself may start none.

Promise: helm gets a chart, values and words; no network, no folder, no environment, no plugin, no kubeconfig.
"""
