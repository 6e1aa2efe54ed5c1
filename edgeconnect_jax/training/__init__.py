"""The step, the state it advances, and the loop that runs it."""
