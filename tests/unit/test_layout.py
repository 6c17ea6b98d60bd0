"""The rooms of `python_models` and who may import whom."""

import ast
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PACKAGE = REPOSITORY / "python_models"
# A room may import itself and the rooms on the lines above its own.
FLOORS = [{"common"}, {"conversion", "segments", "engines"}, {"inputs", "delivery"}]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.glob("*/**/*.py"))


def imported_rooms(module: Path) -> set[str]:
    """Rooms that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("python_models.")]
    return {part[1] for part in parts} & FLOOR_OF.keys()


def test_every_module_is_in_a_room() -> None:
    assert {path.parts[0] for path in MODULES} == FLOOR_OF.keys()
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_room_imports_itself_and_lower_floors_only(module: Path) -> None:
    room = module.parts[0]
    above = {other for other in imported_rooms(module) if FLOOR_OF[other] >= FLOOR_OF[room]}
    assert above <= {room}
