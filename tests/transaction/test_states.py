"""
docs/states.rst shows the tables as they are.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.dialog.offer_answer import TRANSITIONS

DOCS = Path(__file__).parents[2] / "docs"


class StatesPageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.drawing: dict[str, Any] = runpy.run_path(str(DOCS / "make_states.py"))

    def test_upToDate(self) -> None:
        """
        The page in the tree is what would be drawn now; if not: C{python docs/make_states.py}.
        """
        committed = (DOCS / "states.rst").read_text(encoding="utf-8")
        self.assertEqual(committed, self.drawing["page"](), "run: python docs/make_states.py")

    def test_everyRow(self) -> None:
        """
        Each row of each table is on the page, and so is each reason to ignore something.
        """
        rows = self.drawing["page"]().count("   * - ``")
        tables = [table for _, module, _ in self.drawing["MACHINES"] for table in (module.TRANSITIONS, module.IGNORED)]
        self.assertEqual(rows, sum(map(len, tables)) + len(TRANSITIONS))
