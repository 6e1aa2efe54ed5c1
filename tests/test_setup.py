"""What setup.py packs."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "edgeconnect_jax"


def test_every_file_of_the_package_is_packed():
    """Those that are not Python by a pattern of package_data: pages, scripts, the mark of typed packages."""
    (call,) = (node for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if _is_setup(node))
    (data,) = (ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "package_data")
    packed = {path for pattern in data[PACKAGE.name] for path in PACKAGE.glob(pattern) if path.is_file()}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert any(path.name == "index.html" for path in files)
    assert packed >= files, sorted(map(str, files - packed))


def _is_setup(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setup"
