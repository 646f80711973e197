"""The ground everyone may stand on: evidence vocabulary, messages, results, errors, canonical form."""
