"""The dockable panel: pages, rows and their session, in Qt."""
