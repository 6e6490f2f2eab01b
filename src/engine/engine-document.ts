import type { AbortOptions } from '../content.ts';
import type { StoredDocument } from '../copy/read-document.ts';
import { FinchError } from '../errors.ts';
import { runProgram } from '../host/run-program.ts';
import { type Digest, digestOf, digestParts } from '../oci/digest.ts';
import { parseDocument } from '../oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/json.ts';
import type { Engine } from './engine.ts';
import { nerdctlEnvironment } from './nerdctl-environment.ts';

/** Whose engine {@link readEngineDocument} reads. */
export interface DocumentOptions extends AbortOptions {
  readonly engine: Engine;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 30_000;

/**
 * A manifest or index that the engine has, by containerd's own client: nerdctl gives no exact bytes.
 * @throws FinchError `VM` when it cannot be read, `CONTENT_MISMATCH`, `DOCUMENT_INVALID`
 */
export async function readEngineDocument(
  digest: Digest,
  { engine, home, env, signal }: DocumentOptions,
): Promise<StoredDocument> {
  const { machine } = engine;
  const inside = nerdctlEnvironment({ kind: machine.kind, home, env });
  const call = machine.command(['ctr', 'content', 'get', digest], {
    ...{ env: inside, cwd: process.cwd() },
  });
  const { status, stdout, fault } = await runProgram(call.program, call.args, {
    ...{ stdin: new Uint8Array(), env: call.env, timeoutMs: TIMEOUT_MS, signal },
    maxBytes: MAX_DOCUMENT_BYTES,
  });
  if (status !== 0) {
    const why = fault ?? `it ended with exit status ${status}`;
    throw new FinchError('VM', `ctr content get ${digest} failed: ${why}`, {
      hint: 'pull the image anew, by finch pull or with --all-platforms in the machine',
    });
  }
  if (digestOf(stdout, digestParts(digest).algorithm) !== digest) {
    throw new FinchError('CONTENT_MISMATCH', `${digest} is damaged in the virtual machine`, {
      hint: 'pull the image anew',
    });
  }
  return { document: parseDocument(stdout, { what: `document ${digest}` }), bytes: stdout };
}
