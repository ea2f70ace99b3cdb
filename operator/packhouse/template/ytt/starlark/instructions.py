"""The instructions that a compiled template calls, and the contexts of functions with YAML in their body.

They are called by name and directly, without the guards that a template's own calls get, so no template may spell
them: `compile_program` refuses sources that do. `CTX_TYPE` is a statement for the compiler alone and never runs.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "__ytt_tpl1_"

SET_CTX_TYPE: Final = PREFIX + "set_ctx_type"
START_CTX: Final = PREFIX + "start_ctx"
END_CTX: Final = PREFIX + "end_ctx"
START_NODE_ANNOTATION: Final = PREFIX + "start_node_annotation"
COLLECT_NODE_ANNOTATION: Final = PREFIX + "collect_node_annotation"
START_NODE: Final = PREFIX + "start_node"
SET_NODE: Final = PREFIX + "set_node"
SET_MAP_ITEM_KEY: Final = PREFIX + "set_map_item_key"

#: A function whose body calls one of these makes nodes: it opens a context first, and its value is what that collects.
MAKE_NODES: Final = frozenset({START_NODE, SET_NODE})
