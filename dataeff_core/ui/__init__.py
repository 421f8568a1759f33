"""The dashboard's building blocks: the only part that imports streamlit."""
