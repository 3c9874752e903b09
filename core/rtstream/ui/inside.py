"""Gradio, loaded without a word to the outside; and all that is used of its inside, each thing once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

# Before it loads: Blocks ask it when they are made. Only this word, and no other, means no.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from gradio import component_meta
from gradio.components.base import Component
from gradio.components.base import server as is_server
from gradio.context import Context
from gradio.events import EventListener

__all__ = ["Component", "EventListener", "apart", "gr", "is_update", "remember", "server", "without_stub"]

F = TypeVar("F", bound=Callable[..., Any])


def server(method: F) -> F:
    """Let the page call a method of a component."""
    mark: Callable[[F], F] = is_server
    return mark(method)


@contextmanager
def without_stub() -> Iterator[None]:
    """Let a component's class be made without the `.pyi` that Gradio writes beside its module.

    It would lie in the installed package without belonging to it, and hide the module from type checkers.
    """
    write = component_meta.create_or_modify_pyi
    component_meta.create_or_modify_pyi = lambda *_: None
    try:
        yield
    finally:
        component_meta.create_or_modify_pyi = write


@contextmanager
def apart() -> Iterator[None]:
    """Make Blocks that are not part of those that are just being made, if any are."""
    root, block = Context.root_block, Context.block
    Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = root, block


def remember(component: Any, **arguments: Any) -> None:
    """Have the copies of a component, which each `gr.update` makes, made with these arguments too."""
    component.constructor_args.update(arguments)


def is_update(value: Any) -> bool:
    """Whether it is a `gr.update(…)` or a component, and not a value itself."""
    return isinstance(value, Component) or (isinstance(value, dict) and value.get("__type__") == "update")
