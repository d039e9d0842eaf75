"""Reports for those who act on them: a CI job, a ticket, a dashboard, a pager; one format a module, Report to text."""
