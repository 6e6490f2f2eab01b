/** The first lines of a request, with the headers that fetch adds, but that the connection ends with it. */
export function requestHead(
  { pathname, search, host }: URL,
  {
    method,
    headers,
  }: { readonly method: string; readonly headers: Readonly<Record<string, string>> },
): Uint8Array {
  const usual = { connection: 'close', accept: '*/*', host };
  const lines = Object.entries({ ...usual, ...lowerCased(headers) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
