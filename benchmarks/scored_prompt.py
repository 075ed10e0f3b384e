"""The packaged prompt behind which options are scored, as the benchmarks put it before a model."""

from taxonaut.prompts.library import PromptLibrary

_PROMPT = PromptLibrary().get("navigator/expand_scored")
SYSTEM = _PROMPT.render("system", {"task": ""})
ITEM = "Text: {}"
