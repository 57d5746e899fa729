/** Types that every program has. A kind of a workspace may be called so; its type then is not. */
const GLOBAL = [
  "Array",
  "AsyncGenerator",
  "Boolean",
  "Date",
  "Error",
  "Number",
  "Object",
  "Omit",
  "Partial",
  "Promise",
  "Readonly",
];
const OURS = [
  "BASE_URL",
  "Client",
  "JSON",
  "Math",
  "OPERATIONS",
  "Operator",
  "ProblemCode",
  "Record",
  "RegExp",
  "String",
  "Symbol",
];

/** How the types of the document are called beside those of `runtime`. */
export function createNames(runtime: string): (name: string) => string {
  const declared = [...runtime.matchAll(/^(?:export )?(?:interface|type|class) (\w+)/gm)].map(([, name]) => name!);
  const taken = new Set([...GLOBAL, ...OURS, ...declared]);
  return (name) => (taken.has(name) ? `${name}_` : name);
}
