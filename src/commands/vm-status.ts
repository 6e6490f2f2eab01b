import { runningBridge } from '../bridge/running-bridge.ts';
import type { Command } from './command.ts';

const HEADERS = { Status: 'STATUS', Kind: 'KIND', Reason: 'REASON', Hint: 'HINT' };

/** `finch vm status`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Writes Running, Stopped, Nonexistent or Broken, and (native) behind it where containers run on this Linux itself; the exit status is 0 for each. Why it is so, where that is to be said, goes to stderr.',
  flags: [
    { name: 'format', short: 'f', value: 'FORMAT', summary: 'json, table, or a Go template' },
  ],
  examples: [
    { line: 'finch vm status', what: 'see whether the virtual machine runs' },
    { line: 'finch vm status --format json', what: 'see what there is to know of it' },
  ],
  async run(app, { text, signal }) {
    const machine = await app.machine();
    // Whoever looks after a crash finds nothing left of the bridge.
    await runningBridge(app.host.home);
    const format = text('format');
    const isDetailed = format !== undefined;
    const { status, reason, hint, details } = await machine.state({ signal, isDetailed });
    if (reason !== undefined && format === undefined) {
      app.talk.note(hint === undefined ? reason : `${reason}: ${hint}`);
    }
    const value = { Status: status, Kind: machine.kind, Reason: reason ?? '', Hint: hint ?? '' };
    if (format !== undefined && /^\s*table\b/.test(format)) {
      return { kind: 'rows', rows: [value], headers: HEADERS, format };
    }
    const isNative = machine.kind === 'native' && (status === 'Running' || status === 'Stopped');
    return {
      ...{ kind: 'value', value: { ...value, ...details }, format },
      lines: [isNative ? `${status} (native)` : status],
    };
  },
};
