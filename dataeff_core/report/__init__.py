"""The report: one file for people who must trust a selection, and tables for those who want to count again.

It composes what selection, review and exporting know; none of them knows of it.
"""
