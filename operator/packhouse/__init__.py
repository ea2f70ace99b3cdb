"""Packhouse, a package operator for Kubernetes: see docs/architecture.md for the map of the rooms."""

__version__ = "0.1.0"
