"""make fuzz: what nobody sends, made of what is right, and rules that no answer may break.

An engine (`engines`) makes inputs with a target's mutations and gives each to a session
(`session`), which executes it under a deadline and watches the memory. What an answer must be, the
target knows: `v2`, `xml` and `events`. A parent (`watching`) sees what the process itself cannot:
that it hangs, or has died. `parsers` compares two readers on documents that hypothesis generates.
"""
