"""The demo model: is the rhythm of a heart regular? Trained on synthetic signals, for a first look.

It is a demonstration, not a medical device.
"""
