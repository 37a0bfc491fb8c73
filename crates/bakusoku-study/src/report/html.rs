//! The page around the pictures.

use std::fmt::Write;

const STYLE: &str = "
:root{--ink:#1d2430;--soft:#667085;--line:#e4e7ec;--paper:#fff;--wash:#f8f9fb;--good:#0f7b4b;--bad:#b42318;--warn:#a15c07;--accent:#1d4ed8}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:15px/1.55 system-ui,-apple-system,'Segoe UI','Noto Sans','Hiragino Sans',sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 80px}
h1{font-size:26px;font-weight:650;letter-spacing:-.01em;margin:4px 0 2px}
h2{font-size:18px;font-weight:620;margin:40px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:14px;font-weight:600;margin:18px 0 6px;color:var(--soft)}
p{margin:6px 0}.soft{color:var(--soft)}.num{font-variant-numeric:tabular-nums;text-align:right}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
table{border-collapse:collapse;width:100%;background:var(--paper);border:1px solid var(--line);border-radius:8px;overflow:hidden}
th,td{padding:7px 12px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;font-size:13px;color:var(--soft);background:#fcfcfd}tr:last-child td{border-bottom:0}
.card{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:10px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:14px 0}
.fact{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.fact b{display:block;font-size:19px;font-weight:620}.fact span{font-size:13px;color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:12px}
.tag{display:inline-block;padding:1px 9px;border-radius:99px;font-size:13px;font-weight:600;border:1px solid currentColor}
.tag.done,.tag.up_to_date{color:var(--good)}.tag.failed{color:var(--bad)}.tag.cancelled{color:var(--warn)}
.fail{border-left:4px solid var(--bad)}.warn{border-left:4px solid var(--warn)}
.chip{display:inline-block;background:#eef1f6;border-radius:5px;padding:0 7px;margin:2px 4px 2px 0;font-size:13px}
svg{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#667085}
.maps{display:flex;flex-wrap:wrap;gap:14px;margin-top:6px}.maps figure{margin:0;text-align:center;width:118px}
.maps figcaption{font-size:12px;color:var(--soft)}
.bar{background:#dfe7fb;height:9px;border-radius:3px}
details{margin:8px 0}summary{cursor:pointer;color:var(--accent)}
code{font:13px ui-monospace,Menlo,Consolas,monospace;background:#eef1f6;border-radius:4px;padding:0 5px}
nav{font-size:14px;margin-bottom:8px}nav a{margin-right:14px}
@media print{body{background:#fff}h2{break-after:avoid}.card{break-inside:avoid}}
";

/// A whole page.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{STYLE}</style></head>\n<body><main>\n{body}</main></body></html>\n",
        escape(title)
    )
}

/// Text as it may stand between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A heading with an anchor.
pub(super) fn heading(out: &mut String, id: &str, text: &str) {
    let _ = writeln!(out, "<h2 id=\"{id}\">{}</h2>", escape(text));
}

/// Numbers to see first.
pub(super) fn facts(out: &mut String, facts: &[(String, &str)]) {
    out.push_str("<div class=\"facts\">");
    for (value, label) in facts {
        let _ = write!(out, "<div class=\"fact\"><b>{}</b><span>{}</span></div>", escape(value), escape(label));
    }
    out.push_str("</div>\n");
}

/// A table; cells are HTML already.
pub(super) fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    out.push_str("<table><tr>");
    for cell in head {
        let _ = write!(out, "<th>{}</th>", escape(cell));
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

/// What went wrong, from the outside in, and what could be done.
pub(super) fn failure(out: &mut String, failure: &super::data::Failure) {
    let place = failure.run.as_deref().map(|run| format!(" · {run}")).unwrap_or_default();
    let _ = write!(out, "<div class=\"card fail\"><b>{}{}</b>", escape(&failure.step), escape(&place));
    for message in &failure.messages {
        let _ = write!(out, "<p>{}</p>", escape(message));
    }
    if let Some(hint) = &failure.hint {
        let _ = write!(out, "<p class=\"soft\">hint: {}</p>", escape(hint));
    }
    out.push_str("</div>\n");
}

/// Remarks.
pub(super) fn warnings(out: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(out, "<div class=\"card warn\">{}</div>", escape(warning));
    }
}

/// How a subject ended, in words and colour.
pub(super) fn tag(status: super::data::Status) -> &'static str {
    use super::data::Status::*;
    match status {
        Done => "<span class=\"tag done\">done</span>",
        UpToDate => "<span class=\"tag up_to_date\">up to date</span>",
        Failed => "<span class=\"tag failed\">failed</span>",
        Cancelled => "<span class=\"tag cancelled\">not finished</span>",
    }
}
