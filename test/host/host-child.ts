// A program that does one thing with the host of its process, for process-host.test.ts.
import { FinchError } from '../../src/errors.ts';
import { createProcessHost } from '../../src/host/process-host.ts';

const [action, argument = ''] = process.argv.slice(2);
const host = createProcessHost();
try {
  if (action === 'lines') {
    for (let line = 1; line <= Number(argument); line++) host.stdout.write(`line ${line}\n`);
    host.stderr.write('written\n');
  } else if (action === 'home') {
    host.stdout.write(host.home);
  } else if (action === 'size') {
    host.stdout.write(`${JSON.stringify([host.stdin.isTerminal, host.stdout, host.stderr])}\n`);
  } else {
    let count = 0;
    for await (const piece of host.stdin.stream()) count += piece.length;
    host.stdout.write(String(count));
  }
} catch (error) {
  if (!(error instanceof FinchError)) throw error;
  host.stderr.write(`${error.code} ${error.message}\n`);
}
process.exit();
