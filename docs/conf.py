"""How Sphinx builds the site: sphinx-build -W docs docs/_build. Nothing is fetched while it is built or read."""

import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).parent
PACKAGE = DOCS.parent / "edgeconnect_jax"
sys.path.insert(0, str(DOCS.parent))

project = "edgeconnect_jax"
author = "The edgeconnect_jax authors"
copyright = author
(release,) = re.findall(r'__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text(encoding="utf-8"))
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**.ipynb"]
nitpicky = False
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

html_theme = "furo"
html_title = "edgeconnect_jax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

# Docstrings use single backticks for code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
# Only clusters have these.
autodoc_mock_imports = ["apache_beam"]
napoleon_numpy_docstring = False
napoleon_use_ivar = True

_CODE = re.compile(r"(`[^`]*`)")


def _write_api(app) -> None:
    """Writes docs/api: a page for each room of the package, of the docstrings of its modules."""
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    rooms = sorted(path.parent for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "systems")
    rooms += [PACKAGE, PACKAGE / "systems", *sorted(path.parent for path in PACKAGE.glob("systems/*/__init__.py"))]
    pages = {_dotted(room): _page(room) for room in rooms}
    toctree = "\n".join(["```{toctree}", ":maxdepth: 1", "", *pages, "```"])
    pages["index"] = f"# API reference\n\nOne page for each room of the package.\n\n{toctree}\n"
    for old in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in pages}:
        old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _page(room: pathlib.Path) -> str:
    """The page of a room: its package's docstring, then each module of it, those of folders inside included."""
    own = room in (PACKAGE, PACKAGE / "systems")
    paths = room.glob("*.py") if own else room.rglob("*.py")
    modules = sorted({_dotted(path.parent if path.stem == "__init__" else path) for path in paths if _public(path)})
    body = "".join(f"\n## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n" for name in modules)
    return f"# {_dotted(room)}\n{body}"


def _public(path: pathlib.Path) -> bool:
    """Whether a module has something to show: a docstring."""
    return path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))


def _dotted(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def _escape(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text with code in single backticks: * and | are no markup there."""
    lines[:] = [_escaped(line) for line in lines]


def _escaped(line: str) -> str:
    parts = _CODE.split(line)
    for index in range(0, len(parts), 2):
        text = re.sub(r"[*|]|(?<=\w)_(?=\W|$)", r"\\\g<0>", parts[index])
        # Code ends where a letter follows, as in a plural.
        parts[index] = f"\\ {text}" if index and text[:1].isalnum() else text
    return "".join(parts)


def setup(app) -> None:
    app.connect("builder-inited", _write_api)
    # Before napoleon reads the sections.
    app.connect("autodoc-process-docstring", _escape, priority=100)
