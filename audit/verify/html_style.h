// SPDX-License-Identifier: Apache-2.0
// html_style.h: the style of a report: light, dark as the reader's system has it, and on paper.
#pragma once

namespace cm::audit::verify {

inline constexpr char kHtmlStyle[] = R"css(
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --faint: #59636e; --line: #d1d9e0; --bar: #3b6ea8;
  --bad: #c2410c; --tail: #d9dee4; --anchor: #2f7d4f; --start: #8250df; --verified: #1a7f37; --incomplete: #9a6700;
  --tampered: #b42318; --undecided: #59636e; --zebra: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --paper: #0f141a; --ink: #e6edf3; --faint: #9aa5b1; --line: #343b44;
  --bar: #6ea8e6; --bad: #f08c5a; --tail: #38414b; --anchor: #56c584; --start: #b898f5; --verified: #4cc36a;
  --incomplete: #d9a93a; --tampered: #ff7b6f; --undecided: #9aa5b1; --zebra: #161c23; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
h1 { font-size: 26px; margin: 28px 0 14px; }
h2 { font-size: 19px; margin: 34px 0 8px; border-bottom: 1px solid var(--line); padding-bottom: 4px; }
.verdict { border: 1px solid var(--line); border-left: 8px solid var(--undecided); padding: 12px 16px; }
.verdict strong { font-size: 18px; }
.verdict p { margin: 6px 0 0; overflow-wrap: anywhere; }
.verified { border-left-color: var(--verified); } .verified strong { color: var(--verified); }
.incomplete { border-left-color: var(--incomplete); } .incomplete strong { color: var(--incomplete); }
.tampered { border-left-color: var(--tampered); } .tampered strong { color: var(--tampered); }
.wide { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; min-width: 50%; font-size: 14px; }
caption { text-align: left; color: var(--faint); padding-bottom: 4px; }
th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 6px; border-bottom: 1px solid var(--line); }
td, tbody th { overflow-wrap: break-word; max-width: 44em; }
tbody th { font-weight: 600; }
thead th { white-space: nowrap; color: var(--faint); font-weight: 600; }
tbody tr:nth-child(even) { background: var(--zebra); }
th.n, td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; margin: 12px 0; }
svg text { fill: var(--faint); font-size: 12px; }
svg .axis { fill: none; stroke: var(--faint); }
svg .bar { fill: var(--bar); } svg .bad { fill: var(--bad); } svg .tail { fill: var(--tail); }
svg .anchor { fill: var(--anchor); } svg .start { fill: var(--start); }
footer { color: var(--faint); font-size: 13px; margin-top: 30px; padding-bottom: 30px; }
@media print {
  :root { --paper: #fff; --ink: #000; --faint: #444; --line: #bbb; --zebra: #fff; --bar: #3b6ea8; --bad: #c2410c;
    --tail: #d9dee4; --anchor: #2f7d4f; --start: #8250df; --verified: #1a7f37; --incomplete: #9a6700; --tampered: #b42318; }
  body { font-size: 10pt; } main, footer { max-width: none; padding: 0; } table { font-size: 8.5pt; }
  .wide { overflow: visible; } td, tbody th { overflow-wrap: anywhere; } tr, svg, .verdict { break-inside: avoid; } h2, caption { break-after: avoid; }
  svg rect, svg path, .verdict { print-color-adjust: exact; }
}
)css";

}  // namespace cm::audit::verify
