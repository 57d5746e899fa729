import type { IdentitySource } from "../records/declaration.ts";
import { linkName } from "../records/linking.ts";

/** What is compared of a record. `keys`: by block, null where it has none. */
export type Twin = {
  id: string;
  title: string;
  /** The words of the name, the family name last. */
  words: readonly string[];
  email: string | null;
  /** The digits of its phone numbers. */
  digits: readonly string[];
  /** The record that it belongs to. */
  at: string | null;
  keys: readonly (string | null)[];
  /** The same of its further values, by block. */
  further: readonly (readonly string[])[];
};

export type Likeness = { sure: number; why: readonly string[] };

/** Pairs that are less sure are not worth telling. */
export const LEAST_SURE = 0.5;

/** Only a person knows for certain. */
const MOST_SURE = 0.99;

/** How sure each finding alone makes that two records are one. */
const SAME_NAME = 0.7;
const SAME_MAILBOX = 0.93;
const SAME_STEM = 0.85;
const SAME_PHONE = 0.88;
const SAME_PLACE = 0.5;
/** A finding beside names that have nothing in common counts for less: offices share phones, families addresses. */
const OTHER_NAME = 0.6;
const OTHER_NAME_AT_ADDRESS = 0.8;
/** Two addresses that differ are a sign of two records, a weak one. */
const OTHER_ADDRESS = 0.9;

/** How likely two records are one, and why. */
export function likeness(identity: IdentitySource, sameEmail: boolean, sameStem: boolean, a: Twin, b: Twin): Likeness {
  const name = identity.person === undefined ? organisations(a.words, b.words) : persons(a.words, b.words);
  const samePhone = a.digits.some((one) => b.digits.some((other) => isSamePhone(one, other)));
  const samePlace = name > 0 && a.at !== null && a.at === b.at;
  const found: [string, number][] = [];
  if (sameEmail) found.push(["same_email", SAME_MAILBOX]);
  if (sameStem) found.push(["same_domain", SAME_STEM]);
  if (samePhone) found.push(["same_phone", SAME_PHONE]);
  if (name > 0) found.push([name === 1 ? "same_name" : "similar_name", SAME_NAME * name]);
  if (samePlace) found.push([`same_${linkName(identity.at!)}`, SAME_PLACE]);
  let sure = 1 - found.reduce((doubt, [, weight]) => doubt * (1 - weight), 1);
  if (name === 0 && found.length === 1) sure *= samePhone ? OTHER_NAME : OTHER_NAME_AT_ADDRESS;
  const apart = !sameEmail && a.email !== null && b.email !== null && !samePhone;
  if (apart || (a.at !== null && b.at !== null && a.at !== b.at)) sure *= OTHER_ADDRESS;
  return { sure: Math.min(Math.round(sure * 100) / 100, MOST_SURE), why: found.map(([why]) => why) };
}

/** A number with and without its country. */
function isSamePhone(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= 6 && long.length - short.length <= 3 && long.endsWith(short);
}

/** From 0 to 1. The words may stand in any order; an initial stands for any name that begins with it. */
function persons(a: readonly string[], b: readonly string[]): number {
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  if (few.length === 0) return 0;
  const free = [...many];
  let sum = 0;
  for (const word of few) {
    const scores = free.map((other) => words(word, other));
    const best = Math.max(...scores);
    if (best === 0) return 0;
    sum += best;
    free.splice(scores.indexOf(best), 1);
  }
  // One name of several says little: `Jane` is not `Jane Doe`.
  if (few.length === 1 && many.length > 1) return 0;
  const middle = free.length * 0.06;
  return Math.max(0, sum / few.length - middle);
}

function words(a: string, b: string): number {
  if (a === b) return a.length === 1 ? 0.9 : 1;
  if (a.length === 1 || b.length === 1) return a[0] === b[0] ? 0.82 : 0;
  const like = similarity(a, b);
  return like >= 0.86 ? like : 0;
}

function organisations(a: readonly string[], b: readonly string[]): number {
  const [one, other] = [a.join(""), b.join("")];
  if (one === "" || other === "") return 0;
  if (one === other || [...a].sort().join("") === [...b].sort().join("")) return 1;
  const like = similarity(one, other);
  return like >= 0.9 ? like : 0;
}

/** Longer names say no more. */
const LONGEST = 60;

/** Jaro's similarity with Winkler's favour for a common beginning, from 0 to 1 (Winkler 1990). */
export function similarity(first: string, second: string): number {
  const [a, b] = [first.slice(0, LONGEST), second.slice(0, LONGEST)];
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Set<number>();
  const ours: number[] = [];
  for (let i = 0; i < a.length; i++) {
    for (let j = Math.max(0, i - reach); j <= Math.min(b.length - 1, i + reach); j++) {
      if (taken.has(j) || a[i] !== b[j]) continue;
      taken.add(j);
      ours.push(i);
      break;
    }
  }
  const matches = ours.length;
  if (matches === 0) return 0;
  const theirs = [...taken].sort((x, y) => x - y);
  const swapped = ours.filter((at, i) => a[at] !== b[theirs[i]!]).length / 2;
  const jaro = (matches / a.length + matches / b.length + (matches - swapped) / matches) / 3;
  let prefix = 0;
  while (prefix < 4 && prefix < a.length && a[prefix] === b[prefix]) prefix += 1;
  return jaro + prefix * 0.1 * (1 - jaro);
}
