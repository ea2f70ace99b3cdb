"""Real: tar archives, the file system (a temporary folder), the cache. Faked: the registry (fakes_registry, a dict).

Asserted is what lies on the disk afterwards, and the class and the words of a refusal.
"""
