"""The spike at scale: what a build costs over a lake of many millions of events. `make bench` runs it."""
