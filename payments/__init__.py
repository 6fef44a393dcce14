"""Taking money over the network: the port and its adapters. Knows neither procedures nor the database."""
