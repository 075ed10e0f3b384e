"""Architect and annotator as the local server plays them: what they would say, by the words of their prompts."""

import collections
import re
from typing import Any

NUMBERED = re.compile(r"^([1-9]\d*)\. (.*)$", re.MULTILINE)


def work(schema: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Do what an architect or an annotator is asked for, by what stands in the prompt."""
    system, item = str(messages[0]["content"]), str(messages[1]["content"])
    properties = schema["properties"]
    if "categories" in properties:
        return propose(system, properties["categories"])
    if "change" in properties:
        return propose_change(system, item)
    if isinstance(properties.get("1"), dict) and "properties" in properties["1"]:
        return review(item, properties)
    return assign(system, item, reports="why" in properties)


def propose(system: str, categories: dict[str, Any]) -> dict[str, Any]:
    """Take the groups that the prompt suggests, and say what is in them; of more than three descriptors not the last.

    What would have been the last descriptor's fits nothing then, and calls for a change.
    """
    suggested = system.partition("Groups that word statistics suggest")[2].partition("A former proposal")[0]
    groups = re.findall(r"^- (.+?) \(such as (.+)\)$", suggested, re.MULTILINE)[: categories["maxItems"]]
    described = "includes" in categories["items"]["properties"]
    lists = {"includes": [], "excludes": []} if described else {}
    return {
        "categories": [
            {"name": name[:60], "description": f"Things like {', '.join(examples.split('; ')[:3])}"[:100]}
            | lists
            for name, examples in (groups[:-1] if described and len(groups) > 3 else groups)
        ]
    }


def propose_change(system: str, item: str) -> dict[str, Any]:
    """Name a new descriptor by the commonest word of the items; ignore a few items; expand what has the name."""
    size = int(item.partition(" in all")[0].split()[-1])
    shown = re.findall(r"^- (.+)$", item.partition("Annotators said")[0], re.MULTILINE)
    spread = collections.Counter(word for text in shown for word in dict.fromkeys(words(text)))
    name = min(spread, key=lambda word: (-spread[word], word))
    there = {" ".join(words(known.partition(":")[0])): int(at) for at, known in NUMBERED.findall(system)}
    change = "ignore" if size < 3 else "expand" if name in there else "create"
    return {
        "problem": f"{size} items like {shown[0]}"[:200],
        "change": change,
        "descriptor": there.get(name, 0) if change == "expand" else 0,
        "name": name.capitalize() if change == "create" else "",
        "description": f"Things with the word {name}",
        "includes": [name],
        "excludes": [],
    }


def review(item: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Approve a proposal unless its line stands there twice."""
    lines = dict(NUMBERED.findall(item))
    return {
        number: {
            "reason": f"proposal {number} is told apart",
            "approve": list(lines.values()).index(lines[number]) == list(lines).index(number),
        }
        for number in properties
    }


def assign(system: str, item: str, *, reports: bool) -> dict[str, Any]:
    """Give each label the category that shares its most telling words, the first of equals; none if none does."""
    listed = re.split(r"(?:Categories|Descriptors):\n", system, maxsplit=1)[-1]
    categories = {int(number): set(words(text)) for number, text in NUMBERED.findall(listed)}
    spread = collections.Counter(word for held in categories.values() for word in held)
    answer: dict[str, Any] = {}
    missed = []
    for number, label in NUMBERED.findall(item):
        shared = {
            category: round(sum(1 / spread[word] for word in held & set(words(label))), 6)
            for category, held in categories.items()
        }
        best = max(shared, key=lambda category: shared[category])
        answer[number] = [best if shared[best] else 0]
        missed += [] if shared[best] else [label]
    return answer | ({"why": f"no descriptor for {missed[0]}"[:200] if missed else ""} if reports else {})


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return re.findall(r"\w+", text.casefold())
