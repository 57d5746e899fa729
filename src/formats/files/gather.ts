import { type Column, customKey } from "./columns.ts";
import { isNothing, readAddresses, readList, readTags } from "./words.ts";

/** What a row says, by field: a text, or the items of a list. A column that nothing knows is under `custom.` and its name. */
export type Gathered = { [field: string]: string | string[] };

/** The first value is the record's main one, the others go to the second field. */
const SEVERAL: { readonly [field: string]: { further: string; read: (cell: string) => string[] } } = {
  email: { further: "emails", read: readAddresses },
  emails: { further: "emails", read: readAddresses },
  phone: { further: "phones", read: readList },
  phones: { further: "phones", read: readList },
};

/** Reads rows by their columns. Cells that say nothing (`-`, `n/a`, `#N/A`) are left out. */
export function gatherer(columns: readonly Column[]): (cells: readonly string[]) => Gathered {
  const named = columns.map(({ name, field, number }) => ({
    field: field ?? `custom.${customKey(name)}`,
    spare: field?.startsWith("custom.") && number > 1 ? `${field}_${number}` : `custom.${customKey(name)}`,
  }));
  const isPerson = columns.some(({ field }) => field === "first_name" || field === "last_name");
  return (cells) => {
    const gathered: Gathered = {};
    named.forEach(({ field, spare }, i) => {
      const cell = cells[i]?.trim() ?? "";
      if (field !== "" && !isNothing(cell)) put(gathered, field, spare, cell);
    });
    if (isPerson) joinName(gathered);
    return gathered;
  };
}

function put(gathered: Gathered, field: string, spare: string, cell: string): void {
  const several = SEVERAL[field];
  if (several) for (const item of several.read(cell)) putItem(gathered, field, several.further, item);
  else if (field === "tags") for (const tag of readTags(cell)) putItem(gathered, "tags", "tags", tag);
  else if (gathered[field] === undefined) gathered[field] = cell;
  // Two columns of one field: the first that has a value is the field, another value is kept beside it.
  else if (gathered[field] !== cell) gathered[spare] ??= cell;
}

export function putItem(gathered: Gathered, main: string, further: string, item: string): void {
  const list = gathered[further];
  if (main !== further && gathered[main] === undefined) gathered[main] = item;
  else if (gathered[main] !== item && !list?.includes(item)) gathered[further] = [...((list as string[]) ?? []), item];
}

/** `name` is made of its parts when there is none. The middle part is kept in it alone. */
function joinName(gathered: Gathered): void {
  const { first_name, middle_name, last_name } = gathered;
  delete gathered["middle_name"];
  const name = [first_name, middle_name, last_name].filter((part) => part !== undefined).join(" ");
  if (gathered["name"] === undefined && name !== "") gathered["name"] = name;
}
