"""The group-by and join questions of h2o: data, and the questions in every contender's words."""
