"""How the page of a report looks."""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --card: #f6f7f9; --ink: #1b1f24; --pale: #57606a; --line: #d8dee4;
  --pass: #14692f; --warn: #8a5300; --fail: #b3161d; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --card: #1d2126; --ink: #e6e9ed; --pale: #a3acb6; --line: #343a42;
    --pass: #5fd38a; --warn: #f0b458; --fail: #ff8a85; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1, h2, h3, p, dl, dd { margin: 0; overflow-wrap: anywhere; text-wrap: pretty; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; line-height: 1.35; } h3 { font-size: 1rem; }
header { display: grid; gap: .15rem; } header p { color: var(--pale); }
header .verdict { justify-self: start; padding: .1rem .7rem; border-radius: 1rem; border: 2px solid; font-weight: 700; }
.pass { --tone: var(--pass); } .warn { --tone: var(--warn); } .fail { --tone: var(--fail); }
.skip { --tone: var(--pale); }
header .verdict, .status { color: var(--tone); }
.cause, article { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--tone);
  border-radius: .4rem; padding: .8rem 1rem; margin-top: .7rem; display: grid; gap: .4rem; }
.cause { margin-top: 1.2rem; padding: 1rem; }
section, details { margin-top: 1.5rem; } .cause + section { margin-top: 1.8rem; }
summary { cursor: pointer; font-weight: 600; padding: .5rem 0; }
code { color: var(--pale); font: .85em ui-monospace, monospace; font-weight: 400; }
dl { display: grid; gap: .25rem; } dl div { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 0 .8rem; }
dt { color: var(--pale); } dd { grid-column: -2; }
dd:not(:only-of-type) { padding-left: .9rem; text-indent: -.9rem; } dd + dd { margin-top: .15rem; }
@media (max-width: 34rem) { dl { gap: .5rem; }
  dl div { grid-template-columns: minmax(0, 1fr); } dt { font-size: .85rem; } }
@media print { main { max-width: none; padding: 0; } article { break-inside: avoid; }
  details::details-content { content-visibility: visible; } }
"""
