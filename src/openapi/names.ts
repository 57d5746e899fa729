/** A JSON Schema (2020-12), or another object of the document. */
export type Json = { [name: string]: unknown };

/** `contact` -> `Contact`: how a kind is called in generated clients. */
export const capital = (name: string) => name.replace(/(?:^|_)([a-z])/g, (_, first: string) => first.toUpperCase());

export const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
