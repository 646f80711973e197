"""Results into documents: working papers for people, formats for machines."""
