"""The commands of `atouts`, one module each; its `command` is what `partner_portal.cli` runs."""
