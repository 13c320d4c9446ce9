"""SIGKILL at random moments: what was acknowledged is there, nothing is half done."""
