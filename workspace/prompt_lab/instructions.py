"""Rules about instructions: nothing in a template says what the schema of its call forbids."""

import re
from collections.abc import Callable, Iterator

from taxonaut.workspace.prompt_lab.subject import Finding, Level, Rendering, Subject
from taxonaut.workspace.prompt_lab.tool_calls import SAYS_YES, Call, call_for, is_scored

HOW_MANY, ABSTAIN, FORMAT, LIKELIHOOD = (
    "how many",
    "none of these",
    "form of the answer",
    "answered by likelihood",
)

_TEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORDS = {word: number for number, word in enumerate(_TEN, start=1)}
_NUMBER = rf"(\d+|{'|'.join(WORDS)})\b"
_OF_TEXT = (
    r"(?!\s+(?:short\s+)?"
    r"(?:words?|sentences?|characters?|letters?|lines?|tokens?|times?|texts?|steps?|points?))"
)
UP_TO = re.compile(
    rf"\b(?:at most|up to|no more than|not more than|a maximum of)\s+{_NUMBER}{_OF_TEXT}", re.I
)
EXACTLY = re.compile(
    rf"\b(?:exactly|(?:choose|pick|select|open)(?:\s+(?:only|just|exactly|the))?)\s+{_NUMBER}{_OF_TEXT}"
    r"(?!\s+or\s+(?:more|several|two))",
    re.I,
)
FORCES = re.compile(
    r"\b(?:always\s+(?:choose|pick|select|answer|open|give|name)|must\s+(?:always\s+)?(?:choose|pick|select|open|name)"
    r"\s+(?:one|an?|at least)\b|have to\s+(?:choose|pick|select)|(?:never|do not|don't)\s+(?:answer|return|use|give|"
    r"choose|say)\s+(?:\[?0\]?|none)|at least one (?:must|has to)|(?:choose|pick|select|open|name) at least one|"
    r"even if (?:none|nothing) (?:of them )?fits)",
    re.I,
)
ABSTAINS = re.compile(r"(?<![\d-])0(?!\d)")
UNDECIDES = re.compile(r"-1(?!\d)")
BY_NAME = re.compile(
    r"\b(?:answer|reply|respond|return|write|call \w+)\b[^.\n]{0,40}?\b(?:with\s+)?(?:the|its|their)\s+"
    r"(?:full\s+|exact\s+)?names?\b",
    re.I,
)
LETTERS = re.compile(r"\b(?:with|by|the)\s+(?:the\s+)?letters?\s+(?:of|A\b)|\bthe letter\b|\(A, ?B", re.I)
KEY = re.compile(r"[\"']([A-Za-z_]\w*)[\"']\s*:")
TOOL = re.compile(
    r"\b(?:call|use)(?:ing)?\s+(?:the\s+)?(?:tool\s+|function\s+)?`?([a-z]+(?:_[a-z]+)+)\b`?", re.I
)
TICKED = re.compile(r"`([A-Za-z_]\w*)`")
ASKS_FOR_A_CALL = re.compile(r"\bcall\s+`?[a-z]+_[a-z_]+|\banswer\s+\[?0\]?|^0\. ", re.I | re.M)

Said = tuple[Level, str, str, str]
"""A level, a rule, a message, and the words it is about."""

LEAD = "Category:"
"""What the answer of a model begins with that answers by likelihood (`models.gguf_chat`)."""


def instructions(subject: Subject) -> Iterator[Finding]:
    """Compare what the template says with the schema of its call, for each sample."""
    seen: set[str] = set()
    for sample, bare in zip(subject.samples, subject.instructions, strict=True):
        call = call_for(subject.name, sample)
        for block in ("system", "context", "item"):
            text = bare.get(block, "")
            for level, rule, message, phrase in of_a_block(call, text):
                if phrase.casefold() not in seen:
                    seen.add(phrase.casefold())
                    yield subject.finding(level, rule, message, block, phrase)
        whole = "\n".join(bare.get(block, "") for block in ("system", "context", "item"))
        for level, rule, message, phrase in of_the_whole(subject.name, call, whole, bare):
            if message not in seen:
                seen.add(message)
                yield subject.finding(level, rule, message, "system", phrase)


def of_a_block(call: Call | None, text: str) -> Iterator[Said]:
    """Say what a block says wrongly about its call."""
    if call is not None:
        for rule in BY_BLOCK:
            yield from rule(call, text)


def of_the_whole(name: str, call: Call | None, text: str, blocks: Rendering) -> Iterator[Said]:
    """Say what the template as a whole leaves out."""
    if call is not None:
        yield from silent_about_abstaining(call, text)
    elif name == SAYS_YES:
        yield from asks_for_yes(text)
    elif is_scored(name):
        yield from asks_for_a_call(text)
        yield from leads_elsewhere(blocks)


def too_many(call: Call, text: str) -> Iterator[Said]:
    """Find numbers of answers that the schema does not take, such as `at most 5` where it takes 3."""
    if call.most is None:
        return
    for pattern, exact in ((UP_TO, False), (EXACTLY, True)):
        for match in pattern.finditer(text):
            number = WORDS.get(match[1].casefold()) or int(match[1])
            if number > call.most:
                yield (
                    "error",
                    HOW_MANY,
                    f"says {match[0]!r}, and the schema takes at most {call.most}",
                    match[0],
                )
            elif number < call.most:
                hint = "`{{ most }}` is the number" + (", and fewer may be named" if exact else "")
                yield (
                    "warning",
                    HOW_MANY,
                    f"says {match[0]!r}, and the schema takes up to {call.most}; {hint}",
                    match[0],
                )


def forbids_abstaining(call: Call, text: str) -> Iterator[Said]:
    """Find what keeps a model from answering that none of the options fits."""
    match = FORCES.search(text) if call.none else None
    if match:
        yield "error", ABSTAIN, f"says {match[0]!r}, while the schema offers 0, none of these", match[0]


def silent_about_abstaining(call: Call, text: str) -> Iterator[Said]:
    """Find that nothing says how to abstain."""
    if call.none and not ABSTAINS.search(text):
        yield "warning", ABSTAIN, "nothing says that 0 means none of these, which the schema offers", ""
    if call.undecided and not UNDECIDES.search(text):
        yield (
            "warning",
            ABSTAIN,
            "nothing says that -1 means that the text says too little, which the schema offers",
            "",
        )


def names_for_numbers(call: Call, text: str) -> Iterator[Said]:
    """Find that names or letters are asked for where the schema takes numbers."""
    if not call.numbers or call.most is None:
        return
    for pattern, what in ((BY_NAME, "names"), (LETTERS, "letters")):
        match = pattern.search(text)
        if match:
            yield (
                "error",
                FORMAT,
                f"says {match[0]!r}: that asks for {what}, and the schema takes numbers",
                match[0],
            )


def other_keys(call: Call, text: str) -> Iterator[Said]:
    """Find keys of a JSON answer that the call does not have."""
    for match in KEY.finditer(text):
        if match[1] not in call.properties:
            yield "error", FORMAT, f"has the key {match[1]!r}, and the call has {listed(call)}", match[0]


def other_tool(call: Call, text: str) -> Iterator[Said]:
    """Find the name of another tool."""
    for match in TOOL.finditer(text):
        if match[1] != call.spec.name:
            yield (
                "error",
                FORMAT,
                f"names the tool {match[1]!r}, which is called {call.spec.name!r}",
                match[1],
            )


def unknown_word(call: Call, text: str) -> Iterator[Said]:
    """Find a word in backticks that is neither the tool, nor a property, nor one of its values."""
    tools = {match[1] for match in TOOL.finditer(text)}
    for match in TICKED.finditer(text):
        if match[1] not in {call.spec.name, *call.properties, *call.words, *tools}:
            yield "warning", FORMAT, f"names {match[0]}, and the call has {listed(call)}", match[0]


def asks_for_yes(text: str) -> Iterator[Said]:
    """Find that the two words are not asked for whose likelihood is the answer."""
    if not (re.search(r"\byes\b", text, re.I) and re.search(r"\bno\b", text, re.I)):
        yield "error", FORMAT, "does not ask for yes or no, whose likelihood is the answer", ""


def asks_for_a_call(text: str) -> Iterator[Said]:
    """Find instructions for a call where there is none."""
    match = ASKS_FOR_A_CALL.search(text)
    if match:
        message = f"says {match[0]!r}, and the model makes no call: the likelihood of each name is the answer"
        yield "warning", LIKELIHOOD, message, match[0]


def leads_elsewhere(blocks: Rendering) -> Iterator[Said]:
    """Find that the examples do not show how the answer begins."""
    if LEAD not in blocks.get("system", "") + blocks.get("context", ""):
        yield "warning", LIKELIHOOD, f"no example shows {LEAD!r}, with which the model's answer begins", ""


def listed(call: Call) -> str:
    """Name a call's properties, those that are numbers together."""
    words = sorted(name for name in call.properties if not name.isdigit())
    numbers = len(call.properties) - len(words)
    return ", ".join([*words, *([f"one for each of {numbers}"] if numbers else [])]) or "none"


BY_BLOCK: tuple[Callable[[Call, str], Iterator[Said]], ...] = (
    too_many,
    forbids_abstaining,
    names_for_numbers,
    other_tool,
    other_keys,
    unknown_word,
)
