"""Would immune tests change what we tell her? Models of the next pregnancy, how good they are, their use."""
