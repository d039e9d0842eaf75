"""How each result looks: one noun a file, for people and as JSON. The renderer in output/ does the rest."""
