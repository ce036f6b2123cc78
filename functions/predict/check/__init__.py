"""The check before traffic: whether new versions of the two functions answer as they must."""
