"""
The helps for contributors: which tests concern a change, and which words do not.
"""

from __future__ import annotations

from support.changed_tests import find_tests
from support.plain_words import find_words


class TestChangedTests:
    def test_of_a_module(self) -> None:
        """Tests that have its name or import it concern it, and those of the layers."""
        found = find_tests(["linq_otel/_ids.py"])
        assert {"tests/test_ids.py", "tests/test_architecture.py"} <= set(found)
        assert "tests/viewer/test_receiver.py" not in found

    def test_of_a_module_that_all_use(self) -> None:
        """The test that has its name is enough: a hundred files import it."""
        found = find_tests(["linq_otel/stores/memory.py"])
        assert found == ["tests/stores/test_memory.py", "tests/test_architecture.py"]

    def test_of_a_module_that_no_test_imports(self) -> None:
        """Tests of the modules that import it concern it."""
        found = find_tests(["linq_otel/_placements.py"])
        assert len(found) > 1
        assert any(path.startswith("tests/webhooks/") for path in found)

    def test_through_support(self) -> None:
        """A test that takes a module from ``tests/support`` concerns it too."""
        found = find_tests(["tests/support/otlp_route.py"])
        assert "tests/receivers/test_otlp_receivers.py" in found

    def test_of_pages(self) -> None:
        """No test imports a page."""
        assert find_tests(["docs/stores.md"]) == ["tests/docs", "tests/test_docs.py"]

    def test_of_tests(self) -> None:
        """A test concerns itself, while it is there."""
        assert find_tests(["tests/test_ids.py", "tests/test_gone.py"]) == ["tests/test_ids.py"]

    def test_of_nothing(self) -> None:
        """A file that no test reads has no tests, a module that is gone neither."""
        unread = [".gitignore", "tests/chaos/fleet.py"]
        assert find_tests(unread) == []
        assert find_tests(["linq_otel/_gone.py"]) == ["tests/test_architecture.py"]


DIFF = """\
diff --git a/docs/a.md b/docs/a.md
--- a/docs/a.md
+++ b/docs/a.md
@@ -3 +3,2 @@ Heading
-Whoever reads this.
+The reader of this.
+Nobody, it is said, mends what was torn.
@@ -9,0 +11 @@
+Commendable, if x is None: that is none.
"""


class TestPlainWords:
    def test_added(self) -> None:
        """Words are found in added lines alone, whole, with their place; `is None` is code."""
        assert list(find_words(DIFF)) == [
            "docs/a.md:4: nobody (name the subject)",
            "docs/a.md:4: mends (fixes, repairs)",
            "docs/a.md:4: torn (split over several traces)",
            "docs/a.md:11: is none (say what it is instead)",
        ]
