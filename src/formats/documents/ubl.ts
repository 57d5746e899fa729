import type { Item, Party, TaxLine } from "../../fields/items.ts";
import { decimalText, grossedOf } from "../../kit/amounts.ts";
import { minorDigits } from "../../kit/money.ts";
import { itemNet, type Paper } from "./paper.ts";
import { endpointOf, unitCode, vatNumberOf } from "./ublCodes.ts";
import { tag, type Xml } from "./ublElement.ts";
import { greekNumber, isGreek, markOf, unfitInGreece } from "./ublGreek.ts";

/** UBL 2.1 as Peppol BIS Billing 3 wants it, which is a core invoice of EN 16931. */

const CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0";
const PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0";
const COMMON = "urn:oasis:names:specification:ubl:schema:xsd";

/** Why a document cannot be written so, in words; empty where it can. */
export function unfitForUbl(paper: Paper): string[] {
  const { number, currency, seller, buyer, taxes, items } = paper;
  const lacks: string[] = [];
  if (number === null) lacks.push("it is a draft: it has no number");
  if (items.length === 0) lacks.push("it has no items");
  if (minorDigits(currency) > 2) lacks.push(`${currency} has more than the two decimals that EN 16931 knows`);
  for (const [who, party] of [
    ["the workspace", seller],
    ["the buyer", buyer],
  ] as const) {
    if (!party.country) lacks.push(`${who} has no country`);
    if (!endpointOf(party))
      lacks.push(`${who} has neither an endpoint, an e-mail address, nor a VAT number that begins with its country`);
  }
  if (!seller.tax_id) lacks.push("the workspace has no tax_id");
  if (!buyer.tax_id && taxes.some(({ tax_category }) => tax_category === "AE"))
    lacks.push("the buyer has no tax_id, which reverse charge needs");
  if (!vatNumberOf(seller) && taxes.some(({ tax_category }) => tax_category === "G"))
    lacks.push("the tax_id of the workspace is not a VAT number such as DE123456789, which an export needs");
  // Where a country is still missing, it may be this one: all that is missing is told at once.
  if ((seller.country || "DE") === "DE" && (buyer.country || "DE") === "DE") lacks.push(...unfitInGermany(seller, buyer));
  if (seller.country === "IS") lacks.push(...unfitInIceland(seller, buyer));
  if (isGreek(seller)) lacks.push(...unfitInGreece(paper));
  return lacks;
}

function missing(who: string, party: Party, names: readonly (keyof Party)[], where: string): string[] {
  const lacks = names.filter((name) => !party[name]);
  return lacks.length === 0 ? [] : [`${who} has no ${lacks.join(", ")}, which ${where} needs`];
}

/** What German rules want of both sides beyond EN 16931 (DE-R-003 to DE-R-009 of Peppol, BR-DE of XRechnung). */
const unfitInGermany = (seller: Party, buyer: Party): string[] => [
  ...missing("the workspace", seller, ["city", "postal_code", "phone", "email"], "Germany"),
  ...missing("the buyer", buyer, ["city", "postal_code"], "Germany"),
];

/** What Icelandic rules want (IS-R-002 to IS-R-005): the kennitala, street and postal code. */
const unfitInIceland = (seller: Party, buyer: Party): string[] => [
  ...missing("the workspace", seller, ["registration_id", "street", "postal_code"], "Iceland"),
  ...(buyer.country === "IS" ? missing("the buyer", buyer, ["registration_id", "street", "postal_code"], "Iceland") : []),
];

export function ublOf(paper: Paper): string {
  const root = paper.takesBack ? "CreditNote" : "Invoice";
  const { currency, number, date, due, note, credits, delivered, seller } = paper;
  const money = (cents: bigint | number) => decimalText(cents, currency);
  const called = (is: string, on: string, credited?: boolean) => (isGreek(seller) ? greekNumber(paper, is, on, credited) : is);
  const amount = (name: string, cents: bigint | number) => tag(`${name} currencyID="${currency}"`, money(cents));
  const body = [
    tag("cbc:CustomizationID", CUSTOMIZATION),
    tag("cbc:ProfileID", PROFILE),
    tag("cbc:ID", called(number!, date!)),
    tag("cbc:IssueDate", date),
    !paper.takesBack && tag("cbc:DueDate", due),
    tag(`cbc:${root}TypeCode`, paper.takesBack ? "381" : "380"),
    tag("cbc:Note", [paper.heading, note].filter(Boolean).join("\n")),
    tag("cbc:DocumentCurrencyCode", currency),
    tag("cbc:BuyerReference", paper.reference || number),
    credits &&
      tag(
        "cac:BillingReference",
        tag(
          "cac:InvoiceDocumentReference",
          tag("cbc:ID", called(credits.number, credits.date ?? date!, true)),
          tag("cbc:IssueDate", credits.date),
        ),
      ),
    isGreek(seller) && paper.mark && markOf(paper.mark),
    tag("cac:AccountingSupplierParty", partyOf(seller, true, seller)),
    tag("cac:AccountingCustomerParty", partyOf(paper.buyer, false, seller)),
    tag("cac:Delivery", tag("cbc:ActualDeliveryDate", delivered)),
    tag(
      "cac:PaymentMeans",
      tag("cbc:PaymentMeansCode", paymentCode(seller, currency)),
      tag("cbc:PaymentID", number),
      seller.iban &&
        tag(
          "cac:PayeeFinancialAccount",
          tag("cbc:ID", seller.iban),
          tag("cac:FinancialInstitutionBranch", tag("cbc:ID", seller.bic)),
        ),
    ),
    paper.takesBack && tag("cac:PaymentTerms", tag("cbc:Note", `Credited${credits ? ` to ${credits.number}` : ""}`)),
    tag("cac:TaxTotal", amount("cbc:TaxAmount", paper.tax), ...paper.taxes.map((tax) => subtotalOf(tax, amount))),
    tag(
      "cac:LegalMonetaryTotal",
      amount("cbc:LineExtensionAmount", paper.net),
      amount("cbc:TaxExclusiveAmount", paper.net),
      amount("cbc:TaxInclusiveAmount", paper.gross),
      amount("cbc:PayableAmount", paper.gross),
    ),
    ...paper.items.map((item, i) => lineOf(item, i + 1, root, amount, currency)),
  ];
  const xml = body
    .map((each) => (each ? each.xml : ""))
    .join("\n")
    .replace(/\n+/g, "\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<${root} xmlns="${COMMON}:${root}-2" xmlns:cac="${COMMON}:CommonAggregateComponents-2" xmlns:cbc="${COMMON}:CommonBasicComponents-2">
${xml}
</${root}>
`;
}

/** How it is paid (UNCL 4461): SEPA transfer, transfer, payment to a bank account, not said. Danish rules do not know 30. */
function paymentCode({ iban, bic, country }: Party, currency: string): string {
  if (!iban) return "1";
  if (currency === "EUR") return "58";
  if (country === "DK") return bic ? "42" : "1";
  return "30";
}

const VAT = tag("cac:TaxScheme", tag("cbc:ID", "VAT"));

const NATIONAL_TAX = tag("cac:TaxScheme", tag("cbc:ID", "TAX"));

/** Danish sellers give their number here too (DK-R-002). A buyer's tax number that is no VAT number has no other place. */
function registrationOf(party: Party, sells: boolean): Xml | undefined {
  const vat = vatNumberOf(party);
  const { country, registration_id: id } = party;
  // The kennitala has a scheme of its own, which Icelandic rules want (IS-R-002).
  if (id && country === "IS") return tag('cbc:CompanyID schemeID="0196"', id.replace(/\D/g, ""));
  if (id && !(sells && country === "DK")) return tag("cbc:CompanyID", id);
  if (sells && party.country === "DK" && vat) return tag('cbc:CompanyID schemeID="0184"', vat);
  return sells || vat ? undefined : tag("cbc:CompanyID", party.tax_id);
}

function partyOf(party: Party, sells: boolean, seller: Party): Xml {
  const endpoint = endpointOf(party)!;
  const vat = vatNumberOf(party);
  const other = vat ? undefined : party.tax_id;
  return tag(
    "cac:Party",
    tag(`cbc:EndpointID schemeID="${endpoint.scheme}"`, endpoint.id),
    sells && tag("cac:PartyIdentification", tag("cbc:ID", other)),
    isGreek(seller) && tag("cac:PartyName", tag("cbc:Name", party.name)),
    tag(
      "cac:PostalAddress",
      tag("cbc:StreetName", party.street),
      tag("cbc:CityName", party.city),
      tag("cbc:PostalZone", party.postal_code),
      tag("cbc:CountrySubentity", party.region),
      tag("cac:Country", tag("cbc:IdentificationCode", party.country)),
    ),
    vat && tag("cac:PartyTaxScheme", tag("cbc:CompanyID", vat), VAT),
    sells && other && tag("cac:PartyTaxScheme", tag("cbc:CompanyID", other), NATIONAL_TAX),
    tag("cac:PartyLegalEntity", tag("cbc:RegistrationName", party.name), registrationOf(party, sells)),
    tag(
      "cac:Contact",
      tag("cbc:Name", sells ? party.name : party.contact),
      tag("cbc:Telephone", party.phone),
      tag("cbc:ElectronicMail", party.email),
    ),
  );
}

type Amount = (name: string, cents: bigint | number) => Xml;

const EXEMPTIONS: Readonly<Record<string, string>> = { AE: "VATEX-EU-AE", G: "VATEX-EU-G" };

const subtotalOf = ({ tax_category, tax_rate, tax_reason, net_cents, tax_cents }: TaxLine, amount: Amount): Xml =>
  tag(
    "cac:TaxSubtotal",
    amount("cbc:TaxableAmount", net_cents),
    amount("cbc:TaxAmount", tax_cents),
    tag(
      "cac:TaxCategory",
      tag("cbc:ID", tax_category),
      tag("cbc:Percent", String(tax_rate)),
      tag("cbc:TaxExemptionReasonCode", EXEMPTIONS[tax_category]),
      tag("cbc:TaxExemptionReason", tax_reason),
      VAT,
    ),
  );

/**
 * A line must come to quantity times price less discount within 0.02, whatever the currency (PEPPOL-EN16931-R120, R040). Where whole yen are
 * the smallest unit, it does not: then the discount stands without its percentage, and the price is the amount divided by the quantity.
 */
function lineOf(item: Item, place: number, root: "Invoice" | "CreditNote", amount: Amount, currency: string): Xml {
  const net = itemNet(item);
  const whole = grossedOf(item);
  const quantity = root === "Invoice" ? "cbc:InvoicedQuantity" : "cbc:CreditedQuantity";
  const coarse = minorDigits(currency) === 0;
  return tag(
    `cac:${root}Line`,
    tag("cbc:ID", String(place)),
    tag(`${quantity} unitCode="${unitCode(item.unit)}"`, plainNumber(item.quantity)),
    amount("cbc:LineExtensionAmount", net),
    whole !== net &&
      tag(
        "cac:AllowanceCharge",
        tag("cbc:ChargeIndicator", "false"),
        tag("cbc:AllowanceChargeReasonCode", "95"),
        tag("cbc:AllowanceChargeReason", "Discount"),
        !coarse && tag("cbc:MultiplierFactorNumeric", plainNumber(item.discount_percent ?? 0)),
        amount("cbc:Amount", whole - net),
        !coarse && amount("cbc:BaseAmount", whole),
      ),
    tag(
      "cac:Item",
      tag("cbc:Name", item.description),
      tag("cac:ClassifiedTaxCategory", tag("cbc:ID", item.tax_category), tag("cbc:Percent", String(item.tax_rate)), VAT),
    ),
    tag(
      "cac:Price",
      coarse && !Number.isInteger(item.quantity)
        ? tag(`cbc:PriceAmount currencyID="${currency}"`, plainNumber(Number(whole) / item.quantity))
        : amount("cbc:PriceAmount", item.unit_price_cents),
    ),
  );
}

/** Without an exponent, which xs:decimal does not know. */
const plainNumber = (value: number) => (/e/.test(String(value)) ? value.toFixed(12).replace(/\.?0+$/, "") : String(value));
