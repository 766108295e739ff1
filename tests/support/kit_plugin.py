"""
How a pytest of its own is told of our plugin, where no installed entry point names it.
"""

from __future__ import annotations

from importlib.metadata import entry_points


MODULE = "linq_otel.testing.pytest_plugin"
# Both at once would be the same plugin under two names, which pytest refuses.
IS_INSTALLED = any(one.value == MODULE for one in entry_points(group="pytest11"))
PLUGIN = () if IS_INSTALLED else ("-p", MODULE)
