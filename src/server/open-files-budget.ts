/** Open files that are not for requests: of the store, of background work, of connections that are refused. */
const OWN_FILES = 32;

/**
 * How many requests a server can answer at once that may have `limit` files open: each may need one beside
 * its connection.
 * @param limit undefined when there is none
 */
export function affordableRequests(limit: number | undefined): number {
  return limit === undefined ? Infinity : Math.max(1, Math.floor((limit - OWN_FILES) / 2));
}
