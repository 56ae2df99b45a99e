"""Markdown and plots of reports."""
