import { amountText, decimalText } from "../../kit/amounts.ts";
import { addressOf, factsOf, footOf, itemNet, type Paper, rateText } from "./paper.ts";

/** What a caller stored may hold what moves a cursor or hides; a page is read as it stands. */
const plain = (text: string) => text.replace(/[^\P{C}\n]|[\u2028\u2029]/gu, " ").replace(/\n/g, " ");

const labelled = ([label, value]: [string, string]) => `${`${label}:`.padEnd(18)}${plain(value)}`;

/** A document as plain text of at most 78 columns, which a mail can hold. */
export function sheetOf(paper: Paper): string {
  const { name, number, currency, seller, buyer, items, taxes } = paper;
  const title = `${name.toUpperCase()} ${number ?? "(DRAFT)"}`;
  const lines = items.flatMap((item, i) => {
    const { description, quantity, unit = "", unit_price_cents, discount_percent } = item;
    const how = `${quantity} ${plain(unit)} x ${decimalText(unit_price_cents, currency)}`.replace("  ", " ");
    const less = discount_percent ? ` less ${discount_percent} %` : "";
    return [
      ...wrapped(`${i + 1}. ${plain(description)}`, 76),
      row(`   ${how}${less}, tax ${item.tax_rate} %`, decimalText(itemNet(item), currency)),
    ];
  });
  return `${[
    ...addressOf(seller).map(plain),
    "",
    ...addressOf(buyer).map(plain),
    "",
    title,
    ...(paper.heading ? wrapped(plain(paper.heading), 76) : []),
    "",
    ...factsOf(paper).map(labelled),
    "",
    ...lines,
    RULE,
    row("Net", amountText(paper.net, currency)),
    ...taxes.map((tax) =>
      row(`Tax ${plain(rateText(tax))} on ${decimalText(tax.net_cents, currency)}`, amountText(tax.tax_cents, currency)),
    ),
    row(paper.takesBack ? "Credited" : "Total", amountText(paper.gross, currency)),
    ...(paper.note ? ["", ...paper.note.split("\n").flatMap((line) => wrapped(plain(line), 76))] : []),
    "",
    ...footOf(paper).map(labelled),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

const WIDTH = 76;
const RULE = "-".repeat(WIDTH);

function row(label: string, amount: string): string {
  const [first = "", ...rest] = wrapped(label, WIDTH - amount.length - 2);
  const last = rest.pop();
  if (last === undefined) return first + amount.padStart(WIDTH - first.length);
  return [first, ...rest, last + amount.padStart(WIDTH - last.length)].join("\n");
}

/** In lines of at most so many characters; a longer word is cut. */
function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)![0];
  for (const word of text.trim().split(/ +/)) {
    for (let rest = word; rest !== ""; ) {
      const gap = line.trim() === "" ? "" : " ";
      if (line.length + gap.length + rest.length <= most) {
        line += gap + rest;
        rest = "";
      } else if (line.trim() === "") {
        lines.push(rest.slice(0, most));
        rest = rest.slice(most);
      } else {
        lines.push(line);
        line = "   ";
      }
    }
  }
  return [...lines, line];
}
