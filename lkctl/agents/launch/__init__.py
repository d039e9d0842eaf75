"""A real agent run for one room: its worker, what becomes of it, and how all of it is taken back."""
