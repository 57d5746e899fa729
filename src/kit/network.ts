import { isIPv6 } from "node:net";

/**
 * The network that limits count as one caller: an IPv4 address, or the /56 of an IPv6 address. Providers assign a /56 to one home
 * or office (RFC 6177), which holds all 2^72 addresses in it. Other text stays as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped) return mapped;
  const [first = 0, second = 0, third = 0, fourth = 0] = groupsOf(address);
  return `${[first, second, third, fourth & 0xff00].map((group) => group.toString(16)).join(":")}::/56`;
}

/** The eight groups of an IPv6 address, with those that `::` leaves out. An IPv4 tail counts as two groups of 0. */
function groupsOf(address: string): number[] {
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const read = (text: string) =>
    text.split(":").flatMap((group) => (group.includes(".") ? [0, 0] : group === "" ? [] : [Number.parseInt(group, 16)]));
  const [left, right] = [read(before), read(after ?? "")];
  return after === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
