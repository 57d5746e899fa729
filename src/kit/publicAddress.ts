import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * Address ranges that are not one public host: this machine, private networks, multicast and the like (IANA's special-purpose
 * registries, RFC 6890).
 */
const SPECIAL_4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

/** Special ranges within 2000::/3: documentation, and tunnels that carry an IPv4 address. Nothing outside 2000::/3 is public. */
const SPECIAL_6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [net, prefix] of SPECIAL_4) special.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of SPECIAL_6) special.addSubnet(net, prefix, "ipv6");

const unicast = new BlockList();
unicast.addSubnet("2000::", 3, "ipv6");

/** True for the address of a public host. Fetching from one reveals nothing that the caller could not fetch. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  return isIPv6(address) && unicast.check(address, "ipv6") && !special.check(address, "ipv6");
}
