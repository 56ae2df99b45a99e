"""Sentence encoders that learn the vectors of a teacher."""
