"""The data sets of the course: what there is, and fetching those that can't be made on the spot."""
