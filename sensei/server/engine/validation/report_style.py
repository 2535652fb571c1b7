"""How the HTML report looks: on wide and narrow screens, light and dark, and on paper."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #16202c; --soft: #5a6878; --line: #dde3ea;
  --good: #12805c; --good-bg: #e3f5ee; --fair: #9a6700; --fair-bg: #fdf3d8;
  --bad: #c2293d; --bad-bg: #fdeaec; --unknown: #4b5d73; --unknown-bg: #e9eef4;
  --source: #3566c8; --target: #12a07c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f141b; --card: #171e27; --ink: #e7edf4; --soft: #9aa9ba; --line: #2a3542;
    --good: #4cc79c; --good-bg: #12312a; --fair: #e5b454; --fair-bg: #352a12;
    --bad: #ff7a8a; --bad-bg: #3a1a20; --unknown: #a9bacd; --unknown-bg: #222d3a;
    --source: #7ba2ff; --target: #45d0ab;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
header .brand { font-size: 13px; letter-spacing: .12em; text-transform: uppercase; color: var(--soft); }
h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 6px; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 44px 0 14px; }
h3 { font-size: 16px; margin: 0; }
p { margin: 0; }
.soft, dt, caption, figcaption, footer { color: var(--soft); }
.meta { font-size: 14px; color: var(--soft); }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.verdict {
  display: flex; gap: 28px; align-items: center; margin-top: 22px; padding: 24px 28px;
  border-radius: 16px; border: 1px solid var(--line); background: var(--card);
}
.verdict .word { font-size: 34px; font-weight: 700; line-height: 1.15; letter-spacing: -.02em; }
.verdict p { margin-top: 6px; font-size: 17px; }
.verdict .counts { margin-top: 12px; display: flex; flex-wrap: wrap; gap: 8px; }
.good { --tone: var(--good); --tone-bg: var(--good-bg); }
.fair { --tone: var(--fair); --tone-bg: var(--fair-bg); }
.bad { --tone: var(--bad); --tone-bg: var(--bad-bg); }
.unknown { --tone: var(--unknown); --tone-bg: var(--unknown-bg); }
.verdict .word { color: var(--tone); }
.verdict { border-left: 6px solid var(--tone); }
.chip {
  display: inline-block; padding: 2px 10px; border-radius: 999px; font-size: 13px; font-weight: 600;
  color: var(--tone); background: var(--tone-bg); white-space: nowrap;
}
.ring { width: 128px; height: 128px; flex: none; }
.ring circle { fill: none; stroke-width: 11; }
.ring .track { stroke: var(--line); }
.ring .arc { stroke: var(--tone); stroke-linecap: round; }
.ring text { text-anchor: middle; font-size: 21px; font-weight: 700; fill: var(--ink); }
.ring text.small { font-size: 11px; font-weight: 400; fill: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 18px 20px; }
.card .head { display: flex; justify-content: space-between; gap: 10px; align-items: baseline; }
.card .ask { font-size: 14px; color: var(--soft); margin: 2px 0 12px; }
.meter { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--tone); border-radius: 4px; }
.score { display: flex; justify-content: space-between; font-size: 13px; color: var(--soft); margin-top: 6px; }
.figures { list-style: none; margin: 12px 0 0; padding: 0; font-size: 14px; columns: 2; column-gap: 16px; }
.figures li { break-inside: avoid; padding: 1px 0; color: var(--soft); }
.figures b { color: var(--ink); font-variant-numeric: tabular-nums; }
.issue {
  background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--tone);
  border-radius: 12px; padding: 14px 18px; margin-bottom: 10px;
}
.issue .head { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; }
.issue p { margin-top: 6px; }
.issue dl { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 8px 0 0; font-size: 14px; }
.issue dl div { display: flex; gap: 6px; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
details { margin-top: 10px; font-size: 14px; }
summary { cursor: pointer; color: var(--soft); }
pre {
  margin: 8px 0 0; padding: 12px; border-radius: 8px; background: var(--paper); border: 1px solid var(--line);
  white-space: pre-wrap; font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 7px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.legend { display: flex; gap: 18px; font-size: 14px; color: var(--soft); margin: -6px 0 14px; flex-wrap: wrap; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; }
.bars { display: block; width: 100%; height: 114px; margin-top: 12px; }
.source { fill: var(--source); } .target { fill: var(--target); }
.bars line { stroke: var(--soft); stroke-width: 1; vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; gap: 10px; font-size: 12px; color: var(--soft); }
.axis span { max-width: 48%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.card table { margin-top: 10px; font-size: 13px; }
.card th, .card td { padding: 3px 6px; }
tr.differs td { color: var(--bad); font-weight: 600; }
.card.differs { border-color: var(--bad); }
h3.table { margin: 26px 0 10px; }
footer { margin-top: 48px; font-size: 13px; border-top: 1px solid var(--line); padding-top: 16px; }
@media (max-width: 640px) {
  main { padding: 20px 14px 48px; }
  h1 { font-size: 24px; }
  .verdict { flex-direction: column; align-items: flex-start; padding: 20px; }
  .verdict .word { font-size: 27px; }
  .cards { grid-template-columns: 1fr; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc;
    --good: #0c6547; --good-bg: #fff; --fair: #7a5200; --fair-bg: #fff; --bad: #a51d30; --bad-bg: #fff;
    --unknown: #333; --unknown-bg: #fff; --source: #3566c8; --target: #12a07c;
  }
  body { font-size: 11pt; }
  main { max-width: none; padding: 0; }
  .card, .issue, .verdict { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .chip { border: 1px solid currentColor; }
  .cards { grid-template-columns: 1fr 1fr; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 16mm; }
}
"""
