import { sendRequest } from '../../src/http/transport.ts';
import { openRepository } from '../../src/registry/open-repository.ts';
import { describeContentStore } from '../support/content-store-contract.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';

// Not run against docker-registry, which takes no index whose members are not all there.
describeContentStore('a repository', async () => {
  const server = startFakeRegistry();
  const keychain = { credential: async () => undefined };
  const options = { transport: sendRequest, keychain, access: 'push' } as const;
  return {
    store: openRepository({ registry: server.host, name: 'app' }, options),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});
