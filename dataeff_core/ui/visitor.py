"""Who the visitor is and what he may do.

His name comes from the login where `.streamlit/secrets.toml` configures one ([auth], OpenID Connect), else it is
typed once and kept in the tab. His role comes from the workspace's roles.toml (dataeff_core.access). A typed name is
taken at its word; where roles shall hold against the unwilling, a login must be configured.
"""

from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dataeff_core import access
from dataeff_core.access import MAY, Action, Role
from dataeff_core.errors import DataEffError
from dataeff_core.review.pinning import person
from dataeff_core.ui import assets, fragments, login, state
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace.trail import LONGEST

_NAME, _TOLD, _FIELD, _ASKED, _KEPT = "visitor-name", "visitor-told", "visitor-field", "visitor-asked", "visitor-kept"
_TIMES = "visitor-times"  # how often a name was given
_JUST_ASKED = "visitor-just-asked"
_HELP = "Stands in the record beside each decision of yours. This tab remembers it until it is closed."

_component = st.components.v2.component("dataeff_visitor", js=assets.read("visitor.js"))


def name() -> str:
    """What the trail calls the visitor; '' while nobody knows."""
    if login.configured():
        return login.account_of_session()
    return str(st.session_state.get(_NAME, ""))


def role() -> Role:
    """His role. Raises BadInput or StorageFailed when the roles cannot be known."""
    called = name()
    if login.configured() and not called:
        return Role.NOBODY
    return access.roles_of(state.workspace()).of(called)


def may(action: Action) -> bool:
    """Whether his role allows to look, to review, or to run (start jobs, save selections). False where it cannot
    be known."""
    try:
        return action in MAY[role()]
    except DataEffError:
        return False


def require(action: Action) -> None:
    """Raise NotAllowed, one sentence, unless his role allows it; to be called before whatever changes something."""
    access.require(role(), action, name())


def draw_in_sidebar() -> None:
    """The visitor's name, his role where roles are given, and signing in and out."""
    if login.configured():
        _draw_account()
        return
    field = _field()
    st.text_input(
        "Your name",
        value=name(),
        key=field,
        on_change=_typed,
        args=(field,),
        max_chars=LONGEST["reviewer"],
        help=_HELP,
    )
    _keep_in_tab()
    if (problem := st.session_state.pop(_TOLD, "")) != "":
        st.warning(literal(problem))
    _draw_role()


def ask_for_name() -> str | None:
    """The visitor's name; where there is none yet, the sentence and the field to type it, and None."""
    if called := name():
        if st.session_state.pop(_JUST_ASKED, False):
            fragments.renew_page()  # the sidebar says it too
        return called
    if login.configured():
        st.markdown("Sign in first, so that the record can say who decided.")
        _draw_sign_in("visitor-sign-in-asked")
        return None
    st.markdown("Who reviews? Your name stands in the record beside each decision.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _draw_field("Your name ", _ASKED, width=320)
        st.button("Begin", type="primary", key="visitor-begin")
    return None


def draw_gate() -> None:
    """For a visitor who may look at nothing: what he can do about it. Raises BadInput or StorageFailed where the
    roles cannot be known."""
    called, now = name(), role()
    if login.configured() and not called:
        st.title("Sign in")
        st.markdown("This dashboard shows medical images to people with an account.")
        _draw_sign_in("visitor-sign-in")
    elif now is Role.NOBODY:
        st.title("No access")
        if called:
            st.markdown(
                f"**{literal(called)}** has no role here. Ask whoever keeps `{access.FILE}` in the workspace."
            )
        else:
            ask_for_name()


def _draw_account() -> None:
    called = name()
    if not called:
        return
    shown = str(st.user.to_dict().get("name") or called)
    st.markdown(f":material/person: **{literal(shown)}**")
    if called != shown:
        st.text(called)
    _draw_role()
    st.button("Sign out", key="visitor-sign-out", icon=":material/logout:", on_click=st.logout, width="stretch")


def _draw_role() -> None:
    """What the visitor may do, where that is not everything."""
    now = role()
    if now is Role.RESEARCHER:
        return
    told = {
        Role.NOBODY: "No role: type your name." if not name() else "No role here.",
        Role.VIEWER: "Viewer: you may look.",
        Role.REVIEWER: "Reviewer: you may look and review.",
    }
    st.caption(told[now])


def _draw_sign_in(key: str) -> None:
    if st.button("Sign in", key=key, type="primary", icon=":material/login:"):
        try:
            st.login()
        except StreamlitAuthError as error:
            st.error(literal(str(error)), icon=":material/error:")


def _draw_field(label: str, key: str, **look: Any) -> None:
    st.text_input(label, key=key, on_change=_typed, args=(key,), max_chars=LONGEST["reviewer"], **look)


def _typed(field: str) -> None:
    """A name was typed in one of the fields. What a browser still says of a field that is gone takes no name away."""
    given = str(st.session_state.get(field, ""))
    if field == _field() or (field == _ASKED and given.strip()):
        st.session_state[_JUST_ASKED] = field == _ASKED
        _take(given)


def _field() -> str:
    """The key of the sidebar's field: another one each time a name was given."""
    times = st.session_state.get(_TIMES, 0)
    return f"{_FIELD}-{times}" if times else _FIELD


def _take(given: str) -> None:
    """This is the name from now on; one that no person can have is refused."""
    typed = " ".join(given.split())
    st.session_state[_TIMES] = st.session_state.get(_TIMES, 0) + 1
    if typed:
        try:
            person(typed)
        except DataEffError as error:
            st.session_state[_TOLD] = str(error)
            return
    st.session_state[_NAME] = typed
    st.session_state[f"{_NAME}-forget"] = not typed


def _keep_in_tab() -> None:
    """Hand the name to the tab, or take it from there after a reload."""

    def found() -> None:
        kept = " ".join(str(getattr(st.session_state[_KEPT], "name", "") or "").split())[: LONGEST["reviewer"]]
        if kept and not name():
            _take(kept)

    _component(
        key=_KEPT,
        data={"name": name(), "forget": bool(st.session_state.get(f"{_NAME}-forget"))},
        on_name_change=found,
    )
