"""The queue (番号札): calling, the board on the wall, a number on its holder's telephone, how long things take."""
