"""Who people are: sessions, residents, the providers that name them and the cards that sign for them."""
