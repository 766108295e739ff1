"""
Lets tests import the scripts that write the pages.
"""

from __future__ import annotations

import sys

from support.doc_blocks import DOCS


sys.path.append(str(DOCS / "making"))
