"""A real livekit-server on this machine: find the program, build it, run it on loopback only."""
