"""What Packhouse costs, beside kubectl doing the same on the same cluster in the same run: `make bench`.

Figures of a shared machine mean little by themselves, so each line ends with a ratio. Nothing here is asserted.
"""
