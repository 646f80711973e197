"""What is asked of the evidence: the catalogue, its linter, and the evaluation."""
