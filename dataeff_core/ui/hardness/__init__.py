"""What the Hardness page is made of: scored patches, margins, galleries, mosaics, and what theory says of them."""
