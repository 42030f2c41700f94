"""The doors: who is asking, what they may do, how they sign in and how they prove it again."""
