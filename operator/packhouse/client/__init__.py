"""What the command line does: looking, proposing, making, following. With the rights of whoever calls it.

Rooms here gather and act and return values; cli/ reads words and prints. What the operator would do with an install is
asked of the operator's own code (reconcile, deploy), with the caller's rights in place of the install's.
"""
