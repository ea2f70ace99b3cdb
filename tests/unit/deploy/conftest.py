"""The deploy stage against a fake cluster.

Real: plans, inventory, deploy. Faked: the cluster (fakes_cluster). Asserted: what is in the cluster, and what the
change set says of it. The files named test_*_real.py have a real cluster instead.
"""
