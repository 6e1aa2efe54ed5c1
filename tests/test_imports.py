"""Imports run one way, and some names belong to one file. Most of it is read from the source."""

import ast
import pathlib
import subprocess
import sys

from edgeconnect_jax import systems

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "edgeconnect_jax"

# The rooms, in tiers: a room imports those of earlier tiers, and those of its own tier that stand before it.
TIERS: tuple[tuple[str, ...], ...] = (
    ("host", "parallel", "layers", "images"),
    ("models", "losses", "checkpoints", "data"),
    ("configuration", "metrics", "importers", "inference", "serving"),
    ("tasks", "evaluation"),
    ("training",),
)

# What lies at the top level of the package. Beside these only main.py and scripts/ are commands, which nothing in the
# package can see.
COMMANDS = {"inpaint", "eval", "serve"}

# Rooms, and modules of each system, that never import JAX: worker processes run them, and commands check their options
# with them.
WITHOUT_JAX = ("host", "images", "data", "configuration")
SYSTEM_MODULES_WITHOUT_JAX = ("data", "rules")
JAX = {"jax", "flax", "optax", "orbax", "clu"}

# What only parallel.py may take from jax.
DEVICES = {
    *("pmap", "shard_map", "Mesh", "NamedSharding", "PartitionSpec"),
    *("process_index", "process_count", "process_indices"),
    *("local_devices", "devices", "local_device_count", "device_count"),
}


def sources(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.py"))


def everything() -> list[pathlib.Path]:
    folders = (ROOT / "benchmarks", ROOT / "configs", ROOT / "scripts", PACKAGE)
    return [ROOT / "main.py", *(path for folder in folders for path in sources(folder))]


def parse(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: pathlib.Path) -> set[str]:
    """The dotted names that a file imports, wherever in the file it does so."""
    names = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_at_once(path: pathlib.Path) -> set[str]:
    """The top names that importing a file imports: those of the module itself, not of its functions."""
    statements = parse(path).body
    names = {alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in statements if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def top_names(path: pathlib.Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def part_of(path: pathlib.Path) -> str:
    """The part of the package: models for models/vgg.py, parallel for parallel.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parts_imported(path: pathlib.Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith(PACKAGE.name + ".")}


def taken_from_jax(path: pathlib.Path) -> set[str]:
    """Names imported from jax, and attributes of what looks like jax or one of its modules."""
    names = {name.split(".")[-1] for name in imported(path) if name.startswith("jax.")}
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[0] in {"jax", *names}:
            names.add(node.attr)
    return names


def imported_from_systems(path: pathlib.Path) -> set[str]:
    return {name for name in imported(path) if name.startswith(f"{PACKAGE.name}.systems.")}


def may_import(part: str) -> set[str]:
    """The rooms that a room or a command may import."""
    rooms = [room for tier in TIERS for room in tier]
    if part in COMMANDS:
        return {*rooms, "systems"}
    if part == "systems":
        return set(rooms) - {"training"}
    assert part in rooms, f"say in TIERS where {part} stands"
    own = next(tier for tier in TIERS if part in tier)
    return set(rooms[: rooms.index(own[0])]) | set(own[: own.index(part)])


def test_imports_run_one_way():
    wrong = {}
    for path in sources(PACKAGE):
        part = part_of(path)
        if part != "__init__":
            wrong[str(path.relative_to(PACKAGE))] = parts_imported(path) - may_import(part) - {part}
    assert wrong
    assert not {path: parts for path, parts in wrong.items() if parts}


def test_the_top_level_holds_commands_only():
    assert {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} == COMMANDS
    assert len(COMMANDS) <= 12


def test_every_folder_of_the_package_has_a_tier():
    folders = {path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {"systems", *(room for tier in TIERS for room in tier)}


def test_no_system_imports_another():
    for name in systems.names():
        for path in sources(PACKAGE / "systems" / name):
            found = {module.split(".")[2] for module in imported_from_systems(path)}
            assert found <= {name}, path
            # Nor may it look one up.
            assert not imported(path) & {f"{PACKAGE.name}.systems", "importlib", "importlib.import_module"}, path


def test_what_finds_systems_imports_none():
    assert not imported_from_systems(PACKAGE / "systems/__init__.py")


def test_data_and_rules_do_not_name_jax():
    """Of host only the cache of compiled programs does, in the functions of those who have JAX anyway."""
    paths = [path for room in WITHOUT_JAX for path in sources(PACKAGE / room)]
    paths += [PACKAGE / f"systems/{name}/{part}.py" for name in systems.names() for part in SYSTEM_MODULES_WITHOUT_JAX]
    naming = {str(path.relative_to(PACKAGE)) for path in paths if top_names(path) & JAX}
    assert naming == {"host/compilation_cache.py"}


def test_data_and_rules_do_not_import_jax():
    """Nor does anything that they import: `checkpoints.folders`, by which rules look for networks, among it."""
    names = [f"systems.{name}.{part}" for name in systems.names() for part in SYSTEM_MODULES_WITHOUT_JAX]
    script = f"""
import importlib, pkgutil, sys
for room in {WITHOUT_JAX}:
    for module in pkgutil.walk_packages([f"edgeconnect_jax/{{room}}"], f"edgeconnect_jax.{{room}}."):
        importlib.import_module(module.name)
for name in {[*names, "systems"]}:
    importlib.import_module(f"edgeconnect_jax.{{name}}")
print(sorted({JAX} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_imports_a_command():
    for path in everything():
        assert not top_names(path) & {"main", "scripts"}, path
        assert not (parts_imported(path) & COMMANDS), path


def test_the_package_stands_without_configs_tests_and_heavy_frameworks():
    for path in sources(PACKAGE):
        names = top_names(path)
        if path == PACKAGE / "importers/torch_files.py":
            assert "torch" in names and "torch" not in imported_at_once(path)
            names.remove("torch")
        assert not names & {"configs", "tests", "torch", "torchvision", "tensorflow"}, path


def test_importing_is_quick():
    """The package alone imports nothing, main.py no JAX before it has checked its options.

    All of it together imports nothing that takes seconds and may never be used.
    """
    script = """
import importlib, pkgutil, sys
import edgeconnect_jax
print(sorted({"jax", "numpy"} & set(sys.modules)))
import main
print(sorted({"jax"} & set(sys.modules)))
for module in pkgutil.walk_packages(edgeconnect_jax.__path__, "edgeconnect_jax."):
    importlib.import_module(module.name)
slow = {"array_record", "grain", "matplotlib", "orbax", "sklearn", "tensorboardX", "tensorflow", "tensorflow_datasets"}
print(sorted((slow | {"apache_beam", "tensorstore", "torch", "torchvision"}) & set(sys.modules)))
print(edgeconnect_jax.Inpainter.__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]", "[]", "Inpainter"]


def test_only_parallel_names_devices_and_processes():
    wrong = {
        str(path): taken_from_jax(path) & DEVICES for path in everything() if path != PACKAGE / "parallel/devices.py"
    }
    assert not {path: names for path, names in wrong.items() if names}


def test_only_processes_names_the_distributed_service():
    naming = [path.name for path in everything() if "distributed" in taken_from_jax(path)]
    assert naming == ["processes.py"]


def test_only_algorithms_asks_for_the_backend():
    asking = [path.name for path in sources(PACKAGE) if "default_backend" in taken_from_jax(path)]
    assert asking == ["algorithms.py"]


def test_only_checkpoints_and_their_manager_name_orbax():
    naming = {str(path.relative_to(PACKAGE)) for path in everything() if "orbax" in top_names(path)}
    assert naming == {"checkpoints/manager.py", "checkpoints/store.py", "checkpoints/weights.py"}


def test_only_beam_names_apache_beam():
    naming = [path for path in everything() if "apache_beam" in top_names(path)]
    assert naming == [PACKAGE / "data/prepared/beam.py"]


def test_only_h5_files_names_h5py():
    naming = [path for path in everything() if "h5py" in top_names(path)]
    assert naming == [PACKAGE / "importers/h5_files.py"]
    assert "h5py" not in imported_at_once(naming[0])


def test_the_reader_sees_every_way_to_import(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import edgeconnect_jax.losses.thing\ndef f():\n    from edgeconnect_jax import models\n"
        "from edgeconnect_jax.training import loop\nimport jax\nfrom jax import sharding\n"
        "from jax.experimental.shard_map import shard_map\njax.pmap(f)\nsharding.Mesh\n"
        "jax.sharding.NamedSharding\n"
    )
    assert parts_imported(path) == {"losses", "models", "training"}
    assert top_names(path) == {"edgeconnect_jax", "jax"}
    assert taken_from_jax(path) & DEVICES == {"shard_map", "pmap", "Mesh", "NamedSharding"}
