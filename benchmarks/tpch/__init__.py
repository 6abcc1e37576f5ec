"""TPC-H: its data, its 22 queries in every contender's words, and what they must answer."""
