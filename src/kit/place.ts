import { isIPv6 } from "node:net";

/**
 * What counts as one place on the network: an IPv4 address, or the /56 of an IPv6 address, which is what a home or an office is given as a
 * rule (RFC 6177): whoever has one address of it has all 2^72 of them. Text that is no address stays as it is.
 */
export function placeOf(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped) return mapped;
  const [first = 0, second = 0, third = 0, fourth = 0] = groupsOf(address);
  return `${[first, second, third, fourth & 0xff00].map((group) => group.toString(16)).join(":")}::/56`;
}

/** The numbers between the colons, with those that `::` leaves out; an IPv4 tail counts as two and reads as none. */
function groupsOf(address: string): number[] {
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const read = (text: string) =>
    text.split(":").flatMap((group) => (group.includes(".") ? [0, 0] : group === "" ? [] : [Number.parseInt(group, 16)]));
  const [left, right] = [read(before), read(after ?? "")];
  return after === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
