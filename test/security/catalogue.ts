import { archives } from './archive-rows.ts';
import { aws } from './aws-rows.ts';
import { awsTexts } from './aws-text-rows.ts';
import { bridge } from './bridge-rows.ts';
import { content } from './content-rows.ts';
import { logins } from './login-rows.ts';
import { realms } from './realm-rows.ts';
import type { Row } from './row.ts';
import { servers } from './server-rows.ts';
import { text } from './text-rows.ts';

/**
 * Every attack that the design of finch knows, by theme: where logins and other requests go, what documents
 * and archives may do, where logins are kept, what is sent and shown, what is about AWS, and what the bridge gives.
 */
export const catalogue: readonly Row[] = [
  ...realms,
  ...servers,
  ...content,
  ...archives,
  ...logins,
  ...text,
  ...aws,
  ...awsTexts,
  ...bridge,
];
