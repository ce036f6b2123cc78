"""The Open Inference Protocol's edge, through the whole Lambda handler.

Flow: `good` and `mutations` make a `case`, `services` answer its event, `plain` reads the event as
the protocol says, and `oracle` holds the answer against that.
"""
