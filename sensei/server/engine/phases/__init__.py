"""The phases that write to the target, one module each."""
