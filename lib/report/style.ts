import { Html } from "./html.ts";

/** The style of a report: for phones and desktops, light and dark, and for paper. */
export const REPORT_STYLE: Html = new Html(`
:root{--bg:#f6f7f9;--card:#fff;--text:#1b2330;--soft:#566072;--line:#dfe3ea;--lane:#eef0f4;
  --edge:#8a93a3;
  --link:#1f5fbf;--on:#fff;
  --passed:#257a4b;--failed:#bf2f2f;--error:#b3541e;--timeout:#8447b8;--crash:#7d1f45;
  --skipped:#8a93a3;--flaky:#8f5e00;--leak:#0f7f8c}
@media (prefers-color-scheme:dark){
:root{--bg:#12161d;--card:#1a202a;--text:#e6e9ef;--soft:#a2acbc;--line:#2c3442;--lane:#232b37;
  --edge:#6b7688;
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
.tiles{display:flex;flex-wrap:wrap;gap:.35rem 1.2rem;list-style:none;margin:.7rem 0 .1rem;padding:0}
.tiles a{color:inherit}
.tiles b{font-size:1.15rem;font-variant-numeric:tabular-nums}
.typed{max-height:4.5rem;overflow:auto}
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
pre.excerpt{white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid var(--failed);
  border-radius:0 8px 8px 0}
pre .failing{font-weight:700}pre .error{color:var(--failed)}
.attempt>p{margin:.2rem 0}
.mark{display:inline-block;border:1px solid var(--flaky);color:var(--flaky);border-radius:6px;
  padding:0 .4rem;font-size:.75rem}
.cause{border-left:3px solid var(--line);padding-left:.7rem;margin:0 0 .8rem}
.cause h3{margin-top:0;overflow-wrap:anywhere}
.knowledge li:has(.command){list-style:none}
.knowledge{margin:.3rem 0;padding-left:1.2rem;font-size:.9rem}
.command{display:flex;flex-wrap:wrap;gap:.3rem .5rem;align-items:baseline;margin:.3rem 0}
.command code{background:var(--lane);border-radius:6px;padding:.15rem .5rem;min-width:0}
.command code::before{content:"$ ";color:var(--soft);user-select:none}
button,select,input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--edge);
  border-radius:6px;padding:.15rem .6rem}
button{cursor:pointer;font-size:.8rem}
.copy,.tools{display:none}.js .copy{display:block;flex:none}
.js .tools{display:grid;grid-template-columns:1fr auto;gap:.5rem;position:sticky;top:0;
  background:var(--card);padding:.5rem 0;z-index:1}
.tools input{min-width:0;padding:.35rem .6rem}
.tools .chips,.tools .more{grid-column:1/-1;margin:0}
.chips{display:flex;flex-wrap:wrap;gap:.35rem}
.chips [aria-pressed=true]{border-color:var(--link);box-shadow:inset 0 0 0 1px var(--link)}
[hidden]{display:none!important}
details.file{content-visibility:auto;contain-intrinsic-size:auto 3rem}
.file summary code{font-weight:600}.file summary b{color:var(--failed)}
.rows{list-style:none;margin:0 0 .5rem;padding:0}
.rows li{display:grid;grid-template-columns:4.8rem minmax(0,1fr) auto auto;gap:0 .7rem;
  padding:.2rem .3rem;border-top:1px solid var(--line);align-items:baseline;
  content-visibility:auto;contain-intrinsic-size:auto 1.9rem}
.rows li::before{content:attr(class);color:var(--k,var(--soft));font-size:.8rem;font-weight:600}
.rows .skipped::before,.rows .notrun::before,.rows .unfinished::before{color:var(--soft)}
.rows .notrun::before{content:"not run"}
.js .rows li{cursor:pointer}.js .rows li:hover{background:var(--lane)}
.rows i{font-style:normal;font-size:.85rem;text-align:right;font-variant-numeric:tabular-nums}
.rows small{grid-column:4;font:.8rem ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  color:var(--soft);min-width:11rem;text-align:right}
.rows small b{color:var(--failed)}
.rows p,.rows .more{grid-column:2/-1;margin:0;font-size:.85rem;color:var(--soft);
  overflow-wrap:anywhere}
.rows code span{color:var(--soft)}.rows:not(.flat) code span{display:none}
svg.past{width:auto;max-width:100%;margin:.3rem 0}
svg text{font:9px ui-monospace,Menlo,Consolas,monospace;fill:var(--soft)}
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
nav ul{flex-wrap:nowrap;overflow-x:auto;white-space:nowrap;padding-bottom:.3rem}
.wide{width:35%}
.tools select{max-width:8.5rem}
.rows li{grid-template-columns:4.4rem minmax(0,1fr) auto}
.rows small{grid-column:2/-1;text-align:left;min-width:0}
}
@media print{
body{max-width:none;background:#fff}
nav,.js .tools,.js .copy{display:none}
.attempt:has(.whole) .excerpt.part{display:none}
.later>:not(summary){display:none}
details[open].later>summary .gist{display:block}
.rows small{min-width:0}
.many li.passed,.many li.skipped,.many li.xfailed{display:none}
.many::before{content:"On paper, only tests that did not pass."}
.rows li,details.file{content-visibility:visible}
header,section{border:0;padding:.5rem 0}
pre{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere}
details::details-content{content-visibility:visible;display:block;height:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`);
