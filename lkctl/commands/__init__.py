"""One noun a file; each command resolves settings, calls one function, and shows the result."""
