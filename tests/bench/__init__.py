"""What Packhouse costs, beside kubectl and helm doing the same on the same cluster in the same run: `make bench`.

`figures` holds what was measured, as data; `page` and `machine` write docs/benchmarks; every other module measures one
thing. Figures of a shared machine mean little by themselves, so tools take turns and a figure ends with a ratio. A
bench asserts nothing about time: what misses its target is written down as missed.
"""
