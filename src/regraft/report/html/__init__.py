"""The report as one HTML file that asks the network for nothing."""

from regraft.report.html.page import page

__all__ = ["page"]
