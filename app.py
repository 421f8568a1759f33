"""The dashboard: `streamlit run app.py`.

Streamlit reads this file twice. First, as a module and outside any session, for the server: the name `app` tells it
to serve this very file together with our picture routes. Then as the script of every session (and of every test
that starts it with `AppTest.from_file`): that draws the frame and a page.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dataeff_core.ui import serving

if get_script_run_ctx(suppress_warning=True) is None:
    # Pages are those named below. Without this a link straight to one, on a fresh server, would bypass this file.
    PagesManager.uses_pages_directory = False
    app = st.App(__file__, routes=serving.routes(), lifespan=serving.warm_up)
else:
    serving.wait_until_warm()
    from dataeff_core.ui import frame

    frame.draw(
        [
            st.Page("pages/explore.py", title="Explore", icon=":material/scatter_plot:", default=True),
            st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
            st.Page("pages/review.py", title="Review", icon=":material/rate_review:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/hardness.py", title="Hardness", icon=":material/texture:"),
            st.Page("pages/pretrain.py", title="Pre-train", icon=":material/model_training:"),
            st.Page("pages/results.py", title="Results", icon=":material/query_stats:"),
            st.Page("pages/export.py", title="Export", icon=":material/ios_share:"),
        ]
    )
