import { type Column, customKey } from "./columns.ts";
import { LAST_FIRST } from "./columnsOfPrograms.ts";
import { isNothing, readAddresses, readLinks, readPhones, readTags } from "./words.ts";

/** What a row says, by field: a text, or the items of a list. A column that nothing knows is under `custom.` and its name. */
export type Gathered = { [field: string]: string | string[] };

/** The first value is the record's main one, the others go to the second field. */
const SEVERAL: { readonly [field: string]: { further: string; read: (cell: string) => string[] } } = {
  email: { further: "emails", read: readAddresses },
  emails: { further: "emails", read: readAddresses },
  phone: { further: "phones", read: readPhones },
  phones: { further: "phones", read: readPhones },
};

/** What names another record, and where its e-mail address goes. A person of ours is the address itself. */
const LINKS: { readonly [field: string]: string | undefined } = {
  ...{ company: "", contact: "contact_email", deal: "", owner: "owner", assignee: "assignee" },
};

/** Reads rows by their columns. Cells that say nothing (`-`, `n/a`, `#N/A`) are left out. */
export function gatherer(columns: readonly Column[]): (cells: readonly string[]) => Gathered {
  const named = columns.map(({ name, field, number }) => ({
    field: field ?? `custom.${customKey(name)}`,
    spare: field?.startsWith("custom.") && number > 1 ? `${field}_${number}` : `custom.${customKey(name)}`,
    isLine: field === "street" && /[2-9]$/.test(name.trim()),
  }));
  const isPerson = columns.some(({ field }) => field && PERSON.has(field));
  return (cells) => {
    const gathered: Gathered = {};
    named.forEach(({ field, spare, isLine }, i) => {
      const cell = cells[i]?.trim() ?? "";
      if (field === "" || isNothing(cell)) return;
      const former = gathered[field];
      if (isLine && typeof former === "string") gathered[field] = `${former}, ${cell}`;
      else put(gathered, field, spare, cell);
    });
    if (isPerson) joinName(gathered);
    partStage(gathered);
    return gathered;
  };
}

const PERSON = new Set(["first_name", "last_name", LAST_FIRST]);

function put(gathered: Gathered, field: string, spare: string, cell: string): void {
  const several = SEVERAL[field];
  if (several) for (const item of several.read(cell)) putItem(gathered, field, several.further, item);
  else if (field === "tags") for (const tag of readTags(cell)) putItem(gathered, "tags", "tags", tag);
  else if (field in LINKS && gathered[field] === undefined) putLinks(gathered, field, cell);
  else if (field === LAST_FIRST) turnName(gathered, cell);
  else if (gathered[field] === undefined) gathered[field] = cell;
  // Two columns of one field: the first that has a value is the field, another value is kept beside it.
  else if (gathered[field] !== cell) gathered[spare] ??= cell;
}

export function putItem(gathered: Gathered, main: string, further: string, item: string): void {
  const list = gathered[further];
  if (main !== further && gathered[main] === undefined) gathered[main] = item;
  else if (gathered[main] !== item && !list?.includes(item)) gathered[further] = [...((list as string[]) ?? []), item];
}

/** A record links to one other: the first. The others are kept as they were written. */
function putLinks(gathered: Gathered, field: string, cell: string): void {
  const [first, ...others] = readLinks(cell);
  if (first === undefined) return;
  const place = LINKS[field]!;
  if (place === field) gathered[field] = first.address ?? first.name;
  else gathered[field] = place === "" && first.address ? `${first.name} (${first.address})` : first.name;
  if (place !== "" && place !== field && first.address) gathered[place] ??= first.address;
  if (others.length > 0) {
    gathered[`custom.further_${field}`] ??= others
      .map(({ name, address }) => (address ? `${name} (${address})` : name))
      .join("; ");
  }
}

/** `Doe, Jane` in its parts; what has no comma is the name. */
export function turnName(gathered: { [field: string]: unknown }, cell: string): void {
  const at = cell.indexOf(",");
  const [last, first] = at < 0 ? ["", ""] : [cell.slice(0, at).trim(), cell.slice(at + 1).trim()];
  if (last === "" || first === "") gathered["name"] ??= cell;
  else {
    gathered["last_name"] ??= last;
    gathered["first_name"] ??= first;
  }
}

/** HubSpot writes the pipeline behind the stage: `Closed won (Sales Pipeline)`. */
function partStage(gathered: Gathered): void {
  const { stage, "custom.pipeline": pipeline } = gathered;
  if (typeof stage === "string" && typeof pipeline === "string" && stage.endsWith(` (${pipeline})`))
    gathered["stage"] = stage.slice(0, -pipeline.length - 3);
}

/** `name` is made of its parts when there is none. The middle part is kept in it alone. */
function joinName(gathered: Gathered): void {
  const { first_name, middle_name, last_name } = gathered;
  delete gathered["middle_name"];
  const name = [first_name, middle_name, last_name].filter((part) => part !== undefined).join(" ");
  if (gathered["name"] === undefined && name !== "") gathered["name"] = name;
}
