import { createHash } from "node:crypto";
import { amountText, decimalText } from "../../kit/amounts.ts";
import { addressOf, factsOf, footOf, itemNet, type Paper, rateText } from "./paper.ts";

/** A document as a page that prints on A4: no script, no request to anywhere, everything that was stored escaped. */

const STYLE = `
@page { size: A4; margin: 20mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 170mm; color: #111; background: #fff; font: 10.5pt/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
header { display: flex; justify-content: space-between; gap: 10mm; margin-bottom: 12mm; }
address { font-style: normal; white-space: pre-line; }
h1 { font-size: 18pt; margin: 0 0 4mm; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 5mm; margin: 0 0 8mm; }
dt { color: #555; } dd { margin: 0; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 1.5mm 2mm 1.5mm 0; border-bottom: .2mm solid #ccc; }
thead { display: table-header-group; } tr { break-inside: avoid; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.total td { font-weight: 700; border-top: .4mm solid #111; }
.note { white-space: pre-line; margin-top: 8mm; }
.draft { color: #a00; }
footer { margin-top: 12mm; border-top: .2mm solid #ccc; padding-top: 3mm; color: #555; font-size: 9pt; }
`;

export const PRINT_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'`;

const escaped = (text: string) =>
  text.replace(/[^\P{C}\n]|[\u2028\u2029]/gu, " ").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export function printOf(paper: Paper): string {
  const { name, number, currency, seller, buyer, items, taxes } = paper;
  const title = `${name[0]!.toUpperCase()}${name.slice(1)} ${number ?? ""}`.trim();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<address>${addressOf(buyer).map(escaped).join("\n")}</address>
<address>${addressOf(seller).map(escaped).join("\n")}</address>
</header>
<h1>${escaped(title)}${number === null ? ' <span class="draft">Draft</span>' : ""}</h1>
${paper.heading ? `<p>${escaped(paper.heading)}</p>` : ""}
<dl>${factsOf(paper)
    .map(([label, value]) => `<dt>${label}</dt><dd>${escaped(value)}</dd>`)
    .join("")}</dl>
<table>
<thead><tr><th>#</th><th>Description</th><th class="n">Quantity</th><th class="n">Price</th><th class="n">Tax</th><th class="n">Net ${currency}</th></tr></thead>
<tbody>
${items
  .map(
    (item, i) =>
      `<tr><td>${i + 1}</td><td>${escaped(item.description)}</td><td class="n">${item.quantity} ${escaped(item.unit ?? "")}</td><td class="n">${decimalText(item.unit_price_cents, currency)}${item.discount_percent ? `<br>-${item.discount_percent} %` : ""}</td><td class="n">${item.tax_rate} %</td><td class="n">${decimalText(itemNet(item), currency)}</td></tr>`,
  )
  .join("\n")}
</tbody>
<tbody>
<tr><td></td><td colspan="4">Net</td><td class="n">${amountText(paper.net, currency)}</td></tr>
${taxes
  .map(
    (tax) =>
      `<tr><td></td><td colspan="4">Tax ${escaped(rateText(tax))} on ${decimalText(tax.net_cents, currency)}</td><td class="n">${amountText(tax.tax_cents, currency)}</td></tr>`,
  )
  .join("\n")}
<tr class="total"><td></td><td colspan="4">${paper.takesBack ? "Credited" : "Total"}</td><td class="n">${amountText(paper.gross, currency)}</td></tr>
</tbody>
</table>
${paper.note ? `<p class="note">${escaped(paper.note)}</p>` : ""}
<footer>${footOf(paper)
    .map(([label, value]) => `${label} ${escaped(value)}`)
    .join(" &middot; ")}</footer>
</body>
</html>
`;
}
