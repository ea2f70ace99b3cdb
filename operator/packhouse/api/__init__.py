"""The words of the wire: names, conditions and reasons, errors, and one frozen view per kind.

Promise: nothing in here reads a clock, a file or the network, and nothing imports another room.
"""
