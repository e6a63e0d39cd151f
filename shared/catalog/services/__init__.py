"""One file a service: its matters, form fields, bundles, messages. The directory is the registry."""
