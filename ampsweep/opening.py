"""Showing a page to whoever sits here."""

from __future__ import annotations

import threading
import webbrowser


def open_page(address: str) -> None:
    """Open ``address`` in the browser, if there is one; does not wait for it."""
    # Some browsers are programs that last as long as their window.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
