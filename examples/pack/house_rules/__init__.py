"""House rules of an example school, as a pack of controls for compliance-engine: the folder `definitions`."""
