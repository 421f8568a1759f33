"""The Review page's views, one file each: step through, timeline, nothing lost, blind audit, report."""
