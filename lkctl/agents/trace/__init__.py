"""What a script that nobody here wrote really reads, and which of it comes out."""
