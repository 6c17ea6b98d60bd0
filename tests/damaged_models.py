"""Model bodies as a damaged disk or a broken copy may leave them; LightGBM and XGBoost abort on many."""

import json
import re
from collections.abc import Callable, Iterator

from python_models.common.checksums import seal, unseal


def _changed(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, replacement, text)


def _ten_times(line: re.Match[str]) -> str:
    return "tree_sizes=" + " ".join(f"{size}0" for size in line[1].split())


# What may become of a text of LightGBM.
DAMAGE: dict[str, Callable[[str], str]] = {
    "cut in half": lambda text: text[: len(text) // 2],
    "cut in the first tree": lambda text: text[: text.index("leaf_value=") + 20],
    "without its first half": lambda text: text[len(text) // 2 :],
    "tree_sizes too large": _changed(r"tree_sizes=(.*)", _ten_times),
    "tree_sizes too small": _changed(r"tree_sizes=.*", "tree_sizes=1 1 1"),
    "num_leaves too large": _changed(r"num_leaves=\d+", "num_leaves=100000"),
    "children that do not exist": _changed(r"left_child=\S+", "left_child=99999"),
    "a feature that does not exist": _changed(r"split_feature=\S+", "split_feature=99999"),
    "too few leaf values": _changed(r"leaf_value=.*", "leaf_value=0.5"),
    "no leaf values": _changed(r"leaf_value=.*\n", ""),
    "too many categories": _changed(r"num_cat=\d+", "num_cat=99999"),
    "more classes": _changed(r"num_tree_per_iteration=\d+", "num_tree_per_iteration=3"),
}


def damaged_bodies(body: str, resealed: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what was damaged and the damaged body, for each damage to each fold's model in service.

    A body that is `resealed` has the SHA-256 of its damaged content, as if it had been stored so.
    """
    for name, damage in DAMAGE.items():
        for fold in range(len(_served(unseal(body, "the whole body"))["models"])):
            content = unseal(body, "the whole body")
            models = _served(content)["models"]
            part = json.loads(models[fold])
            damaged = damage(part["text"])
            assert damaged != part["text"], name
            models[fold] = json.dumps(part | {"text": damaged})
            sealed = seal(content)
            yield f"{name}, fold {fold}", sealed if resealed else sealed[:-66] + body[-66:]


def _served(content: dict) -> dict:
    return content["refitted"] or content
