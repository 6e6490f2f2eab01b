/**
 * Whether a host name, with or without a port, means this machine: `localhost`, `127.0.0.0/8`, `::1`.
 * Registries there are spoken to over plain HTTP first, and never through a proxy.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || host === '::1' || isLoopbackV4(name);
}

function isLoopbackV4(name: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
