"""Fails unless every test that pytest collects ran in one of several runs, that is, was not skipped in all of them.

python .ci/all_ran.py COLLECTED JUNIT.xml [JUNIT.xml ...], where COLLECTED is what pytest --collect-only -q printed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def key_of(test: str) -> tuple[str, str]:
    """How JUnit's format calls the test that pytest calls tests/a/test_b.py::test_c[d]: (tests.a.test_b, test_c[d])."""
    path, _, name = test.partition("::")
    return path.removesuffix(".py").replace("/", "."), name


def ran(report: pathlib.Path) -> set[tuple[str, str]]:
    """The tests of a report that were not skipped."""
    cases = ElementTree.parse(report).iter("testcase")
    return {(case.get("classname", ""), case.get("name", "")) for case in cases if case.find("skipped") is None}


def main() -> None:
    """Prints how many tests ran, or exits with those that did not."""
    collected = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    tests = {key_of(line) for line in collected if line.startswith("tests/") and "::" in line}
    missing = sorted(tests - set().union(*(ran(pathlib.Path(path)) for path in sys.argv[2:])))
    if missing or not tests:
        sys.exit("\n".join(["these tests ran in no environment:", *map("::".join, missing)]))
    print(f"{len(tests)} tests, each ran")


if __name__ == "__main__":
    main()
