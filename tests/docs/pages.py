"""What the README and the pages in docs/ hold: fenced blocks, commands, links and anchors."""

import pathlib
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES += sorted(path for path in (ROOT / "docs").rglob("*.md") if path.relative_to(ROOT / "docs").parts[0] != "api")

# What marks a command that tests do not run: at the end of its line, or on a line before it in its block.
NOT_RUN = re.compile(r"# not run here: needs (a network|a cluster|an accelerator)\b", re.IGNORECASE)
# Before a block that a test runs elsewhere, and before the one that .ci/run runs.
RUN_BY = re.compile(r"<!-- run by (\S+) -->")
TEST_COMMAND = "<!-- test command -->"

_BLOCK = re.compile(
    r"^(?P<above><!--[^\n]*-->\n)?^(?P<fence>```+)(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.M | re.S
)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        page: the file.
        line: of its fence, from 1.
        language: "sh", "python", ...
        text: what stands between the fences.
        above: the comment on the line before the fence, "" if there is none.
    """

    page: pathlib.Path
    line: int
    language: str
    text: str
    above: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


class Command(NamedTuple):
    """A command of a block.

    Attributes:
        words: as the shell splits it.
        marked: whether the page says that it is not run.
        block: where it stands.
    """

    words: list[str]
    marked: bool
    block: Block


def blocks(page: pathlib.Path, *languages: str) -> list[Block]:
    """The blocks of a page in these languages; all of them if none is named."""
    text, found = page.read_text(encoding="utf-8"), []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("fence")) + 1
        found.append(Block(page, line, match["language"], match["text"], (match["above"] or "").strip()))
    return [block for block in found if not languages or block.language in languages]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block of shell."""
    all_marked = False
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        mark = bool(NOT_RUN.search(line))
        all_marked |= mark and not words
        if words:
            yield Command(words, mark or all_marked, block)


def prose(page: pathlib.Path) -> str:
    """A page without its fenced blocks and its code in backticks."""
    return re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", page.read_text(encoding="utf-8")))


def links(page: pathlib.Path) -> list[str]:
    """The targets of links and pictures of a page."""
    return re.findall(r"\]\(([^()\s]+)\)", prose(page))


def anchors(page: pathlib.Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
