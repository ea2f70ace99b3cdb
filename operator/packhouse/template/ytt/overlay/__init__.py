"""Overlays: one tree of YAML put over another, as annotations of the upper one say.

`apply` serves templates, `apply_document` data values, `apply_sets` what a workspace renders; `plain` makes an
overlay of a values file without annotations; `module` is what `load("@ytt:overlay", "overlay")` gives. A left tree is
never changed: nodes are copied along the paths that change, and all else is shared. Nothing here reads or prints YAML.
"""

from packhouse.template.ytt.overlay.apply import apply, apply_document, apply_sets

__all__ = ["apply", "apply_document", "apply_sets"]
