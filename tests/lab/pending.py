"""Cases whose cause diagnose does not name yet, and what is missing; one that is named must be taken out of here."""

PENDING: dict[int, str] = {}
