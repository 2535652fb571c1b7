"""The parts of planning: looking at data, choosing types and names, translating expressions, telling risks."""
