"""The proofs, by the floor they stand on: unit, session, network, cli, packaging."""
