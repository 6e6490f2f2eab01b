import type { Guard } from './row.ts';

/** The guard of: only addresses that were looked up and judged are connected to. */
export const judgedAddress = (title: string, file = 'e2e/security/names.test.ts'): Guard => ({
  test: [file, title],
  defence: [
    'registry/connect.ts',
    "withCheckedAddress(named, { home: () => endpoint.url('') })",
    'named',
  ],
});

/** The guard of: no server over TLS can lead to one without. */
export const noDowngrade = (title: string): Guard => ({
  test: ['e2e/security/downgrade.test.ts', title],
  defence: [
    'http/distrust.ts',
    "if (from.protocol === 'https:' && url.protocol === 'http:') return 'does not use TLS';",
    '',
  ],
});
