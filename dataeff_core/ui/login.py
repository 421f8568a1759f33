"""Signing in with OpenID Connect, where `.streamlit/secrets.toml` configures it ([auth]); Streamlit does the work.

A page learns who is there from its session, a request for a picture from the cookie that came with it. Both are the
same signed statement of the provider's, so both name the same account.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dataeff_core.errors import BadInput


def configured() -> bool:
    """Whether visitors must sign in. Raises BadInput for secrets that cannot be read: what they would have said of
    a login is not known then, and nobody is let in."""
    if st.secrets.load_if_toml_exists():
        return "auth" in st.secrets
    there = next((one for one in config.get_option("secrets.files") if Path(one).exists()), None)
    if there is not None:
        raise BadInput(f"{there} cannot be read, so it is not known who may come in; mend it, or take it away")
    return False


def account(claims: Mapping[str, Any]) -> str:
    """The name that a login's claims stand for, the same at every visit; '' for nobody signed in.

    It is the e-mail address, unless the provider says that it did not verify it; else the provider's own number for
    the person, with the name before it.
    """
    if claims.get("is_logged_in") is not True:
        return ""
    if claims.get("email") and claims.get("email_verified") is not False:
        return str(claims["email"]).strip()
    subject = str(claims.get("sub") or "").strip()
    return f"{str(claims.get('name') or 'account')[:40]} ({subject})" if subject else ""


def account_of_session() -> str:
    """The account of the visitor whose page is being drawn; '' for nobody signed in."""
    return account(st.user.to_dict())


def account_of_cookies(cookies: Mapping[str, str]) -> str:
    """The account that a request's cookies prove; '' for none, a forged or an expired one."""
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value.encode("latin-1", "ignore"))

    stated = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    if stated is None:
        return ""
    try:
        claims = json.loads(stated)
    except ValueError:
        return ""
    return account(claims) if isinstance(claims, dict) else ""
