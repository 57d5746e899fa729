import { createHash } from "node:crypto";
import type { Answer } from "./reply.ts";

/** Markup. Only `html` makes it, so plain text can never pass as markup. */
export type Html = { readonly markup: string };

type Part = Html | string | false | undefined | readonly Part[];

/** Builds markup. Inserted values are escaped unless `html` made them; false and undefined are left out. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return { markup: strings.map((string, i) => string + markupOf(parts[i])).join("") };
}

function markupOf(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "string") return part.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return "markup" in part ? part.markup : part.map(markupOf).join("");
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5a5a66; --paper: #fbfaf7; --card: #fff; --line: #8a8a94; --act: #1d4ed8; --on-act: #fff; --bad: #8a1c1c; --bad-paper: #fdf0ee; --mind: #8a5a00; --mind-paper: #fdf5e2; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --soft: #b0b0bc; --paper: #17171b; --card: #212127; --line: #7c7c88; --act: #9db8ff; --on-act: #10131c; --bad: #ffb4a8; --bad-paper: #3a2320; --mind: #e6b85c; --mind-paper: #2f2819; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 30rem; margin: 0 auto; }
h1 { font-size: 1.375rem; line-height: 1.25; margin: .25rem 0 1rem; }
p { margin: 0 0 1rem; }
.brand { font-weight: 600; letter-spacing: .02em; color: var(--soft); margin: 0; }
.soft { color: var(--soft); font-size: .9375rem; }
.alert, .warning { border: 1px solid; border-left-width: .375rem; border-radius: .375rem; padding: .75rem .875rem; }
.alert { color: var(--bad); background: var(--bad-paper); font-weight: 600; }
.warning { border-color: var(--mind); background: var(--mind-paper); }
fieldset { border: 0; margin: 0 0 1.25rem; padding: 0; min-width: 0; }
legend, .label { display: block; font-weight: 600; padding: 0; margin: 0 0 .375rem; }
.choice { display: flex; gap: .75rem; align-items: center; min-height: 3rem; padding: .625rem .875rem; margin: 0 0 .5rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); cursor: pointer; }
.choice small { display: block; color: var(--soft); font-size: .875rem; }
.choice input { width: 1.25rem; height: 1.25rem; flex: none; margin: 0; accent-color: var(--act); }
.choice:has(:checked) { border-color: var(--act); box-shadow: inset 0 0 0 1px var(--act); }
.field { width: 100%; min-height: 3rem; padding: .5rem .75rem; margin: 0 0 1rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.code { font-size: 1.5rem; letter-spacing: .3em; font-variant-numeric: tabular-nums; }
button { display: block; width: 100%; min-height: 3rem; margin: 0 0 .75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; color: var(--ink); background: transparent; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; }
button.act { color: var(--on-act); background: var(--act); border-color: var(--act); }
a { color: var(--act); display: inline-block; padding: .5rem 0; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.choice:focus-within { outline: 3px solid var(--act); outline-offset: 2px; }
.choice input:focus-visible { outline: none; }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/**
 * A page for a browser, with no script, no foreign resources and no framing. The referrer is sent to this site only. With no
 * referrer at all, browsers would also hide the origin of form posts.
 */
export function page(title: string, content: Html, { status = 200, formsLeave = false } = {}): Answer & { is: "document" } {
  // Chrome checks every redirect after a form against form-action, and programs redirect further (https://claude.ai/… to
  // claude://…). No list of allowed targets would be complete after "Allow".
  const formAction = formsLeave ? "" : "; form-action 'self'";
  return {
    is: "document",
    status,
    type: "text/html; charset=utf-8",
    headers: {
      "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'${formAction}`,
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
    text: html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} - Cardfile</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<main>
<p class="brand">Cardfile</p>
${content}
</main>
</body>
</html>
`.markup,
  };
}

/** Redirects the browser. Status 303 turns a form post into a GET (RFC 9110, section 15.4.4). */
export function redirect(location: string): Answer {
  return {
    is: "document",
    status: 303,
    type: "text/plain; charset=utf-8",
    headers: { Location: location, "Cache-Control": "no-store", "Referrer-Policy": "same-origin" },
    text: "",
  };
}
