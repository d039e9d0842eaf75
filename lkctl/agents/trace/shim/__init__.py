"""The access trace inside a foreign agent script: files that run in the script's interpreter, without lkctl."""
