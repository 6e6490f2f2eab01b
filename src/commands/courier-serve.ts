import { join } from 'node:path';
import { writeAll } from '../host/write-all.ts';
import { proxyFor } from '../http/proxy.ts';
import { transportWith } from '../http/transport.ts';
import { serveCourier } from '../registry/courier/serve-courier.ts';
import { openRegistryMemory } from '../registry/memory/open-memory.ts';
import { type Command, silence } from './command.ts';

/** `finch courier serve`: the process that finch has carry chunks to registries that forgive nothing. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about: 'Sends parts of images for another finch, and ends with it. finch starts it itself.',
  flags: [],
  examples: [{ line: 'finch courier serve', what: 'send what comes on stdin until that ends' }],
  async run({ host }, { signal }) {
    await serveCourier({
      input: host.stdin.stream({ signal }),
      transport: transportWith({ proxyFor: (url) => proxyFor(url, host.env) }),
      openMemory: (owner) => openRegistryMemory({ path: join(host.home, 'registries.db'), owner }),
      say: (line) => writeAll(1, line),
      signal,
    });
    return silence;
  },
};
