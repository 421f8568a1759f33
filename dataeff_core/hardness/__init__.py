"""How hard a patch is for a masked autoencoder, and how much its visible parts tell. Importing it needs no torch."""
