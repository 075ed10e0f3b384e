"""Spans of OpenTelemetry: run → item → decision → call. Without an SDK in the process nothing is made.

The names of a call's attributes are those of the semantic conventions for generative AI. No text of an item, a prompt
or a reply is ever in a span; `taxonaut runs show` has them.
"""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

NAME = "taxonaut"

API = "opentelemetry.trace"

ITEM_SPANS: ContextVar["ItemSpans | None"] = ContextVar("taxonaut_item_spans", default=None)
"""The spans of the items that are worked on, under the span of their run."""


def tracer() -> Any:
    """Return a tracer; None where no SDK is set up, which nobody has done who has not imported the API."""
    trace = sys.modules.get(API)
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return None
    return provider.get_tracer(NAME)


class ItemSpans:
    """A span for each item that is asked about, under one run's span, begun when it is first wanted."""

    def __init__(self, tracer: Any, run: Any) -> None:
        self.tracer = tracer
        self.run = run
        self.spans: dict[str, Any] = {}

    def get(self, item: str) -> Any:
        """Return the span of an item; that of the run for none."""
        if not item:
            return self.run
        if item not in self.spans:
            self.spans[item] = start(self.tracer, "item", self.run, {"taxonaut.item": item})
        return self.spans[item]

    def end(self) -> None:
        """End the spans of the items."""
        for span in self.spans.values():
            span.end()
        self.spans.clear()


def start(tracer: Any, name: str, parent: Any, attributes: Mapping[str, Any]) -> Any:
    """Start a span under another, or under the current one if `parent` is None."""
    trace = sys.modules[API]
    context = None if parent is None else trace.set_span_in_context(parent)
    return tracer.start_span(name, context, attributes=dict(attributes))


@contextmanager
def run_span(kind: str, run: int) -> Iterator[Any]:
    """Make a span of a run, which is not the current one; None without an SDK."""
    found = tracer()
    if found is None:
        yield None
        return
    span = start(found, f"run {kind}", None, {"taxonaut.run": run, "taxonaut.run.kind": kind})
    try:
        yield span
    except Exception as error:
        fail(span, error)
        raise
    finally:
        span.end()


@contextmanager
def working(run: Any) -> Iterator[None]:
    """Make the spans of items that are asked about in the block children of a run's span, and end them after it."""
    found = None if run is None else tracer()
    if found is None:
        yield
        return
    items = ItemSpans(found, run)
    token = ITEM_SPANS.set(items)
    try:
        with sys.modules[API].use_span(run, end_on_exit=False):
            yield
    finally:
        ITEM_SPANS.reset(token)
        items.end()


def decision_span(about: str, tool: str, model: str) -> Any:
    """Start the span of a decision under that of its item; None without an SDK."""
    found = tracer()
    if found is None:
        return None
    items = ITEM_SPANS.get()
    attributes = {"taxonaut.tool": tool, "gen_ai.request.model": model}
    return start(found, f"decision {tool}", None if items is None else items.get(about), attributes)


@asynccontextmanager
async def within(span: Any) -> AsyncIterator[None]:
    """Make a span the current one; nothing for None."""
    if span is None:
        yield
        return
    with sys.modules[API].use_span(span, end_on_exit=False, record_exception=False):
        yield


@contextmanager
def call_span(operation: str, model: str, provider: str, attributes: Mapping[str, Any]) -> Iterator[Any]:
    """Make the span of a call the current one, as a client's; None without an SDK."""
    found = tracer()
    if found is None:
        yield None
        return
    trace = sys.modules[API]
    given = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        **{name: value for name, value in attributes.items() if value is not None},
    }
    span = found.start_span(f"{operation} {model}", kind=trace.SpanKind.CLIENT, attributes=given)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except Exception as error:
            fail(span, error)
            raise


def fail(span: Any, error: Exception) -> None:
    """Mark a span as failed, by the class of the error: its message may quote a text."""
    trace = sys.modules[API]
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(trace.Status(trace.StatusCode.ERROR))
