"""What takes several calls to a server: created rooms compared, rooms seen whole, the demo."""
