"""A typed client for the Kemp LoadMaster API."""
