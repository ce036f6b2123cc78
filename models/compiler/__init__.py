"""make model: turns a Keras HDF5 file into a bundle that a service can trust."""
