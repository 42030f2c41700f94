"""Many tills and jobs at once over real processes, with cut networks and killed servers, and the proof of the books.

`simulate` in the folder above runs it. What a till decides follows from the seed; the moment of a kill does not.
"""
