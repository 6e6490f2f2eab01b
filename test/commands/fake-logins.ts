import type { Credential } from '../../src/credentials/credential.ts';
import type {
  FoundLogin,
  ListedLogin,
  Logins,
  RemainingLogin,
  SavedLogin,
} from '../../src/credentials/logins.ts';

/** Logins that say what a test wants, and write down what is kept. */
export interface FakeLogins extends Logins {
  readonly saved: { readonly registry: string; readonly credential: Credential }[];
}

export function fakeLogins({
  found,
  made,
  kind = 'helper',
  listed = [],
  remaining = [],
}: {
  readonly found?: FoundLogin;
  readonly made?: FoundLogin;
  readonly kind?: SavedLogin['kind'];
  readonly listed?: readonly ListedLogin[];
  readonly remaining?: readonly RemainingLogin[];
} = {}): FakeLogins {
  const saved: FakeLogins['saved'] = [];
  return {
    saved,
    credential: async () => found?.credential,
    find: async () => found,
    make: async () => made,
    async save({ registry }, credential) {
      saved.push({ registry, credential });
      return { kind, place: 'docker-credential-test' };
    },
    forget: async () => ({ removed: [], remaining, failures: [] }),
    forgetFound: async () => [],
    list: async () => listed,
  };
}
