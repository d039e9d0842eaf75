"""What lies in a project: its dependencies, its code, its configuration. Nothing of it is run or imported."""
