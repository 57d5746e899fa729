import { handleType, idType } from "../fields/link.ts";
import type { FieldSpec } from "../fields/spec.ts";
import { countType, personType } from "../fields/text.ts";
import { timeType } from "../fields/time.ts";
import { compileKind } from "./compile.ts";
import type { Declaration } from "./declaration.ts";
import type { Kind } from "./kind.ts";
import { linkName } from "./linking.ts";

/** A kind with a table of its own: identity before its fields, version and origin after them. */
export function defineRecord(declaration: Declaration): Declaration {
  return withLinkedNames({ ...declaration, fields: { ...identity(declaration.name), ...declaration.fields, ...ORIGIN } });
}

/** A kind that is shown like a record and written in ways of its own. */
export function defineView(declaration: Declaration): Kind {
  return compileKind(declaration);
}

function identity(name: string): Record<string, FieldSpec> {
  const common = { readOnly: true, shown: "json", column: "id" } as const;
  return {
    id: { type: idType(name), about: "the whole id", ...common },
    handle: { type: handleType(name), about: "the short name that lines begin with", ...common },
  };
}

const ORIGIN: Record<string, FieldSpec> = {
  version: {
    type: countType,
    about: "counts the changes; If-Match takes it",
    readOnly: true,
    shown: "detail",
    column: "version",
  },
  created_at: { type: timeType, about: "when it was made", readOnly: true, sort: true, shown: "detail" },
  created_by: { type: personType, about: "who made it", readOnly: true, shown: "detail" },
  updated_at: { type: timeType, about: "when it last changed", readOnly: true, sort: true },
  deleted_at: {
    type: timeType,
    about: "when it was deleted; goes with deleted=",
    readOnly: true,
    optional: true,
    shown: "asked",
  },
};

/** A kind with further fields: they stand before its version and origin. On a frozen record they are free, for its table does not know them. */
export function withFields(declaration: Declaration, further: Readonly<Record<string, FieldSpec>>): Declaration {
  const fields = Object.entries(declaration.fields);
  const end = fields.findIndex(([name]) => name === "version");
  const linked = withLinkedNames({ ...declaration, fields: further });
  const { frozen } = declaration;
  return {
    ...declaration,
    ...(frozen && { frozen: { ...frozen, free: [...frozen.free, ...Object.keys(further)] } }),
    fields: Object.fromEntries([...fields.slice(0, end), ...Object.entries(linked.fields), ...fields.slice(end)]),
  };
}

/** Puts the name of the linked record behind each link: `company` behind `company_id`. */
function withLinkedNames(declaration: Declaration): Declaration {
  const fields = Object.entries(declaration.fields).flatMap(([name, spec]): [string, FieldSpec][] => {
    const { link } = spec.type;
    if (!link) return [[name, spec]];
    if (!name.endsWith("_id")) throw new Error(`${declaration.name}.${name} is a link: its name ends with _id`);
    return [
      [name, spec],
      [linkName(name), { about: `the name of that ${link.target}`, type: link.shown }],
    ];
  });
  const names = fields.map(([name]) => name);
  const twice = new Set(names).size < names.length && names.find((name, i) => names.indexOf(name) < i);
  if (twice) throw new Error(`${declaration.name} has two fields ${twice}`);
  return { ...declaration, fields: Object.fromEntries(fields) };
}
