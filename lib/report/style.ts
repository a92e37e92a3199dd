import { Html } from "./html.ts";

/** The style of a report: for phones and desktops, light and dark, and for paper. */
export const REPORT_STYLE: Html = new Html(`
:root{--bg:#f6f7f9;--card:#fff;--text:#1b2330;--soft:#566072;--line:#dfe3ea;--lane:#eef0f4;
  --link:#1f5fbf;--on:#fff;
  --passed:#257a4b;--failed:#cf3a3a;--error:#b3541e;--timeout:#8447b8;--crash:#7d1f45;
  --skipped:#8a93a3;--flaky:#8f5e00;--leak:#0f7f8c}
@media (prefers-color-scheme:dark){
:root{--bg:#12161d;--card:#1a202a;--text:#e6e9ef;--soft:#a2acbc;--line:#2c3442;--lane:#232b37;
  --link:#8ab4f8;--on:#12161d;
  --passed:#4cb782;--failed:#ff7b72;--error:#f0a063;--timeout:#c79bf0;--crash:#f08cb4;
  --skipped:#8792a3;--flaky:#e0b04a;--leak:#4fc3cf}
}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);color:var(--text);
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
code{overflow-wrap:anywhere}
a{color:var(--link)}
header,section{background:var(--card);border:1px solid var(--line);border-radius:12px;
  padding:1rem 1.25rem;margin:0 0 1rem}
header{border-top:6px solid var(--skipped)}
header.good{border-top-color:var(--passed)}header.bad{border-top-color:var(--failed)}
header p{margin:.2rem 0;color:var(--soft)}
.eyebrow{text-transform:uppercase;letter-spacing:.08em;font-size:.75rem;font-weight:600}
h1{margin:.1rem 0;font-size:2.1rem;line-height:1.15;letter-spacing:-.01em}
.good h1{color:var(--passed)}.bad h1{color:var(--failed)}
h2{margin:0 0 .75rem;font-size:1.15rem}
h3{margin:.8rem 0 .3rem;font-size:.9rem;color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.2rem,1fr));gap:.6rem;
  margin:1rem 0 .2rem}
.tile{border:1px solid var(--line);border-radius:8px;padding:.45rem .7rem}
.tile dt{font-size:.8rem;color:var(--soft)}
.tile dd{margin:0;font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1rem;list-style:none;margin:0 0 1rem;
  padding:0 .3rem;font-size:.9rem}
.dot{display:inline-block;width:.65em;height:.65em;border-radius:50%;margin-right:.4em;
  background:var(--skipped)}
.badge{display:inline-block;border-radius:6px;padding:.05rem .5rem;font-size:.75rem;
  font-weight:650;background:var(--skipped);color:var(--on)}
.passed,.xfailed,.xpassed{--k:var(--passed)}.failed{--k:var(--failed)}
.error,.collection{--k:var(--error)}.timeout{--k:var(--timeout)}
.crash{--k:var(--crash)}.skipped{--k:var(--skipped)}.flaky{--k:var(--flaky)}.leak{--k:var(--leak)}
.dot,.badge{background:var(--k,var(--skipped))}
.badge.skipped{color:#12161d}
details.failure{border:1px solid var(--line);border-radius:8px;margin:0 0 .6rem;padding:0 .8rem}
summary{cursor:pointer;padding:.55rem 0}
summary code{font-weight:600}
.gist{display:block;color:var(--soft);font-size:.9rem;overflow-wrap:anywhere;margin-top:.15rem}
details[open]>summary .gist{display:none}
.aside,.more{color:var(--soft);font-size:.85rem}
pre{margin:.4rem 0 .8rem;padding:.7rem .8rem;background:var(--lane);border-radius:8px;
  overflow-x:auto;max-height:32rem;line-height:1.4}
pre.message{white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid var(--failed);
  border-radius:0 8px 8px 0}
ul.plain{list-style:none;padding:0;margin:.2rem 0 .8rem}ul li{overflow-wrap:anywhere}
figure{margin:0}figcaption{color:var(--soft);font-size:.85rem;margin-top:.5rem}
svg{display:block;width:100%}
svg rect{fill:var(--k,var(--skipped))}
svg rect.lane{fill:var(--lane)}
.lanes{display:flex;gap:.5rem}
.names{list-style:none;margin:0;padding:0;font-size:.75rem;color:var(--soft);
  font-variant-numeric:tabular-nums}
.names li{height:22px;line-height:18px}
.lanes svg{flex:1;min-width:0}
.axis{display:flex;justify-content:space-between;color:var(--soft);font-size:.75rem;
  font-variant-numeric:tabular-nums;margin:.2rem 0 0 1.2rem}
.legend span{white-space:nowrap;margin-right:.6rem}
table{width:100%;border-collapse:collapse;font-size:.92rem}
th,td{text-align:left;padding:.4rem .5rem .4rem 0;border-bottom:1px solid var(--line);
  vertical-align:top;font-weight:inherit}
thead th{font-size:.8rem;color:var(--soft)}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;padding-left:.6rem}
.wide{width:55%}tr:has(.wide) th{white-space:nowrap}
.meter{height:6px;margin-top:.35rem;border-radius:3px;overflow:hidden;background:var(--lane)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.6rem 1.5rem;
  margin:0}
.facts dt{font-size:.8rem;color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media (max-width:32rem){
body{padding:.5rem;font-size:15px}
header,section{padding:.8rem .8rem;border-radius:10px}
h1{font-size:1.7rem}
.wide{width:35%}
}
@media print{
body{max-width:none;background:#fff}
nav{display:none}
header,section{border:0;padding:.5rem 0}
pre{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere}
details::details-content{content-visibility:visible;display:block;height:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`);
