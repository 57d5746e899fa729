import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "../kit/publicAddress.ts";

/** The host of a URL without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1");

export type Address = { address: string; family: number };

export type Lookup = (host: string) => Promise<Address[]>;

/** Why nothing was connected: the name leads nowhere, or into a private network. Callers must not learn which. */
export class NotPublic extends Error {
  constructor(cause?: unknown) {
    super("the host has no public address", { cause });
  }
}

/** The addresses of a host, all of them public. A name with one private address is refused whole. */
export async function publicAddresses(host: string, lookup: Lookup): Promise<Address[]> {
  const found = isIP(host)
    ? [{ address: host, family: isIP(host) }]
    : await lookup(host).catch((error: unknown) => {
        throw new NotPublic(error);
      });
  if (found.length === 0 || !found.every(({ address }) => isPublicAddress(address))) throw new NotPublic();
  return found;
}

/** A lookup for a connection: it connects to the very address that was checked, since a name may resolve differently a moment later. */
export const publicLookup =
  (lookup: Lookup): LookupFunction =>
  (host, { all }, done) => {
    publicAddresses(host, lookup).then(
      (found) => (all ? done(null, found) : done(null, found[0]!.address, found[0]!.family)),
      (error: Error) => done(error, "", 0),
    );
  };
