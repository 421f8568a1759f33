"""Every job that a page starts is a command line; here it is made, and shown so that it can be typed elsewhere."""

import shlex
from collections.abc import Sequence

import streamlit as st

from dataeff_core.workspace import Workspace


def option(name: str, value: object) -> str:
    """One option as a single word, so that a value that begins with a dash is still a value."""
    return f"--{name}={value}"


def command_line(workspace: Workspace, argv: Sequence[str]) -> str:
    """What to type in a shell for the same: `python -m dataeff_core VERB ... --workspace DIR`."""
    return shlex.join(["python", "-m", "dataeff_core", *argv, option("workspace", workspace.root)])


def draw(workspace: Workspace, argv: Sequence[str]) -> None:
    """Show the command line with its copy button."""
    st.code(command_line(workspace, argv), language="bash", wrap_lines=True)
