lkctl smoke --report prometheus=/var/lib/node_exporter/textfile_collector/lkctl.prom   # node_exporter's textfile collector, from cron
lkctl smoke --report nagios                                                            # a plugin of Nagios or Icinga: one line, exit codes 0 to 3
