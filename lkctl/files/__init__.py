"""Files that people hand us: env files, lk's project file, documents."""
