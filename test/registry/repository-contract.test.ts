import { sendRequest } from '../../src/http/transport.ts';
import { openRepository } from '../../src/registry/open-repository.ts';
import { describeContentStore } from '../support/content-store-contract.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';

const keychain = { credential: async () => undefined };

describeContentStore('a repository of the scripted registry', async () => {
  const server = startFakeRegistry();
  const options = { transport: sendRequest, keychain, access: 'push' } as const;
  return {
    store: openRepository({ registry: server.host, name: 'app' }, options),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

describeContentStore('a repository of docker-registry', async () => {
  const server = await startDockerRegistry();
  const options = { transport: sendRequest, keychain, access: 'push' } as const;
  return {
    store: openRepository({ registry: server.host, name: 'app' }, options),
    [Symbol.asyncDispose]: () => server.stop(),
  };
});
