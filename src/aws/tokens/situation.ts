import { sharedPaths } from '../files/shared-config.ts';
import { stampOf } from '../files/stamp.ts';
import type { AwsSurroundings } from '../surroundings.ts';

/** Variables that decide what becomes of a call to AWS. */
const VARIABLE = /^(?:AWS_.*|.*_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|HOME|PATH)$/i;

/**
 * What changes when the user changes something that calls to AWS depend on: a variable, the shared files of the AWS CLI. In
 * eight hexadecimal digits, too few to tell anything of the secrets that are among it.
 */
export function situationOf(env: AwsSurroundings['env']): string {
  const variables = Object.entries(env).filter(([name]) => VARIABLE.test(name));
  const files = sharedPaths(env).map(stampOf);
  const text = JSON.stringify([variables.toSorted(([a], [b]) => (a < b ? -1 : 1)), files]);
  return Bun.hash.crc32(text).toString(16).padStart(8, '0');
}
