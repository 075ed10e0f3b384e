"""Rules about options: a template shows all that the call may name, each under its number."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from taxonaut.workspace.prompt_lab.subject import MASK, Finding, Sample, Subject
from taxonaut.workspace.prompt_lab.tool_calls import Call, call_for

RULE = "options and schema"

LEADING = re.compile(r"^\W{0,3}(-?\d+)\s*[.):\]]\s*(.*)$")
"""A line that begins with a number, as a list of options does."""


def options(subject: Subject) -> Iterator[Finding]:
    """Compare the options that are shown with those that the call may name."""
    seen: set[str] = set()
    for sample, blocks, bare in zip(subject.samples, subject.rendered, subject.instructions, strict=True):
        call = call_for(subject.name, sample)
        if call is None or not call.numbers:
            continue
        text = f"{blocks.get('system', '')}\n{blocks.get('context', '')}"
        plain = f"{bare.get('system', '')}\n{bare.get('context', '')}"
        found = [*missing(subject, sample, text), *beyond(subject, call, plain)]
        for finding in found:
            if finding.message not in seen:
                seen.add(finding.message)
                yield finding
        if found:
            return


def missing(subject: Subject, sample: Sample, text: str) -> Iterator[Finding]:
    """Name the first option that is not shown, not with its number, or with another one's."""
    offered: list[Mapping[str, Any]] = sample["options"]
    lines = text.splitlines()
    hidden = [option for option in offered if not shown_in(option, lines)]
    if hidden:
        some = f"{len(hidden)} of {len(offered)} options are on offer and not shown"
        first = f"such as {hidden[0]['id']}, {hidden[0]['name']!r}"
        yield subject.finding(
            "error", RULE, f"{some}, {first}: the call may name them unseen", "context", "options"
        )
        return
    for option in offered:
        own = shown_in(option, lines)
        number = str(option["id"])
        if any(re.search(rf"(?<!\d){number}(?!\d)", without(line, option)) for line in own):
            continue
        others = [match[1] for line in own if (match := LEADING.match(line))]
        if others:
            message = f"option {number}, {option['name']!r}, is shown as {others[0]}: the call will mean another one"
        else:
            message = f"options stand without the numbers that the call names: {option['name']!r} is {number}"
        yield subject.finding("error", RULE, message, "context", "option")
        return


def beyond(subject: Subject, call: Call, text: str) -> Iterator[Finding]:
    """Name a number that is listed and that the call may not hold."""
    allowed = {*range(1, call.numbers + 1), *([0] if call.none else []), *([-1] if call.undecided else [])}
    for line in text.splitlines():
        match = LEADING.match(line)
        if match and int(match[1]) not in allowed and MASK not in match[2]:
            phrase = match[2][:40]
            yield subject.finding(
                "warning",
                RULE,
                f"{match[1]} is listed ({phrase!r}) and the call allows {said(call)} only",
                "context",
                phrase,
            )
            return


def shown_in(option: Mapping[str, Any], lines: list[str]) -> list[str]:
    """Return the lines that show an option by its path or its name."""
    texts = [text for text in (option["path"], option["name"]) if text]
    return [line for line in lines if any(text in line for text in texts)]


def without(line: str, option: Mapping[str, Any]) -> str:
    """Return a line less the option's own texts, which may hold numbers."""
    for key in ("path", "name", "description"):
        if option[key]:
            line = line.replace(option[key], " ")
    return line


def said(call: Call) -> str:
    """Say which numbers a call may hold."""
    extra = [*(["0"] if call.none else []), *(["-1"] if call.undecided else [])]
    return " and ".join([f"1 to {call.numbers}", *extra])
