import type { Credential } from '../../src/credentials/credential.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';
import { openRepository, type RepositoryOptions } from '../../src/registry/open-repository.ts';
import type { Repository } from '../../src/registry/repository.ts';

/** A repository `app` for pushing, over real connections, that waits for nothing between attempts. */
export function openTestRepository(
  registry: string,
  options: Partial<RepositoryOptions> & {
    readonly credential?: Credential;
    readonly name?: string;
  } = {},
): Repository {
  const { credential, name = 'app', ...rest } = options;
  return openRepository(
    { registry, name },
    {
      transport: sendRequest,
      keychain: { credential: async () => credential },
      access: 'push',
      retry: { sleep: async () => {} },
      ...rest,
    },
  );
}

/** The transport of this machine, and every request that goes through it. */
export function recordingTransport() {
  const sent: HttpRequest[] = [];
  const transport = (request: HttpRequest) => {
    sent.push(request);
    return sendRequest(request);
  };
  return { sent, transport };
}
