import { z } from "zod";
import { EQUALITY, scalarPredicate } from "./operators.ts";
import { textType } from "./text.ts";
import type { FieldType } from "./type.ts";

/** The code list of electronic address schemes (EAS) as Peppol BIS Billing 3.0.19 has it, and EM, an e-mail address, which EN 16931 knows besides. */
const SCHEMES = new Set(
  (
    "0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 0190 0191 0192 0193 0194 0195 " +
    "0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 0215 0216 0217 0218 0221 0225 0230 0235 0240 9910 9913 9914 " +
    "9915 9918 9919 9920 9922 9923 9924 9925 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944 " +
    "9945 9946 9947 9948 9949 9950 9951 9952 9953 9957 9959 EM"
  ).split(" "),
);

const weighed = (digits: string, weights: readonly number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0);

/** What the network refuses of an id: wrong check digits, by the scheme. */
const FITS: Readonly<Record<string, (id: string) => boolean>> = {
  "0088": (id) => /^\d{13}$/.test(id) && weighed(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
  "0192": (id) => /^\d{9}$/.test(id) && weighed(id, [3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
  "0208": (id) => /^[01]\d{9}$/.test(id) && Number(id.slice(8)) === 97 - (Number(id.slice(0, 8)) % 97),
  "9933": (id) => /^\d{9}$/.test(id) && (weighed(id, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === Number(id[8]),
};

/** `iso6523-actorid-upis::0192:923456783`, as directories write it, is `0192:923456783`. Undefined where it is no address. */
function readEndpoint(text: string): string | undefined {
  const [, scheme = "", id = ""] = /^\s*(?:iso6523-actorid-upis::)?(\d{4}|EM)\s*:\s*(\S{1,80})\s*$/i.exec(text) ?? [];
  const known = scheme.toUpperCase();
  return SCHEMES.has(known) && (FITS[known]?.(id) ?? true) ? `${known}:${id}` : undefined;
}

/** Where a party takes electronic documents: a scheme of EAS, a colon, and the id in it. */
export const endpointType: FieldType = {
  ...textType(120, "a scheme of the EAS list, a colon and an id in it, such as 0192:923456783 or 0088:7300010000001"),
  name: "endpoint",
  operators: EQUALITY,
  schema: z
    .string()
    .max(120)
    .refine((text) => readEndpoint(text) !== undefined),
  toColumn: (text) => readEndpoint(text as string),
  predicate: scalarPredicate((text) => readEndpoint(text)),
};
