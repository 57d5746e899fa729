/** The suffixes that RFC 9557 puts behind a time: `2026-12-01T10:00+01:00[Europe/Berlin]`. */
import { MINUTE, span } from "./calendar.ts";
import { echo } from "./line.ts";
import { nearest } from "./nearest.ts";
import { type Zone, zone } from "./time.ts";

/** A text without its suffixes, and the zone that they name; or why they cannot be taken. */
export type Zoned = { text: string; named?: Zone; fault?: string };

/** Of the suffixes only the zone says something here. One marked `!` must be understood or refused (RFC 9557, section 3.3). */
export function splitZone(whole: string): Zoned {
  const [, text, suffixes] = /^([^[\]]*?) ?((?:\[[^[\]]*\])+)\s*$/.exec(whole) ?? [];
  if (text === undefined || suffixes === undefined) return { text: whole };
  const parts = suffixes.slice(1, -1).split("][");
  const tags = parts.filter((part) => part.includes("="));
  const [name, another] = parts.filter((part) => !part.includes("="));
  if (another !== undefined) return { text, fault: "it names two time zones" };
  const must = tags.find((tag) => tag.startsWith("!"));
  if (must !== undefined) return { text, fault: `${echo(`[${must}]`)} is not understood here` };
  return name === undefined ? { text } : { text, ...zoneNamed(name.replace(/^!/, "")) };
}

function zoneNamed(name: string): Pick<Zoned, "named" | "fault"> {
  const [, sign, hours, minutes] = /^([+ -])([01]\d|2[0-3]):?([0-5]\d)$/.exec(name) ?? [];
  const offset = span(hours, minutes) * (sign === "-" ? -1 : 1);
  if (sign !== undefined) return { named: { name, offsetAt: () => offset } };
  try {
    return { named: zone(name) };
  } catch {
    const near = nearestZone(name);
    return { fault: `there is no time zone ${echo(name)}${near === undefined ? "" : `; did you mean ${near}?`}` };
  }
}

/** The zone that a misspelt name, or that of a town alone, may mean. */
export function nearestZone(name: string): string | undefined {
  const zones = Intl.supportedValuesOf("timeZone");
  const wanted = name.trim().replaceAll(" ", "_");
  const [whole] = nearest(wanted, zones, 1);
  if (whole !== undefined || wanted.length < 3) return whole;
  const towns = new Map(zones.map((each) => [each.slice(each.lastIndexOf("/") + 1), each]));
  return towns.get(nearest(wanted.slice(wanted.lastIndexOf("/") + 1), towns.keys(), 1)[0] ?? "");
}

/**
 * Why an offset does not go with the zone named behind it. RFC 9557 (section 3.4) lets such a time be refused, and nobody knows which of the
 * two was meant. `Z` and `-00:00` say nothing of the local offset, so they go with any zone.
 */
export function offsetFault(instant: number, offset: number, named: Zone): string | undefined {
  // RFC 3339 offsets have no seconds.
  const there = Math.round(named.offsetAt(instant) / MINUTE) * MINUTE;
  if (there === offset) return undefined;
  return `the clocks of ${named.name} are then at ${offsetText(there)}, not at ${offsetText(offset)}; leave one of them out`;
}

function offsetText(offset: number): string {
  const minutes = Math.abs(offset / MINUTE);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
