// A program that asks on its terminal, for terminal.test.ts. Its arguments are questions; one that
// begins with `secret:` asks for a secret. It prints what it got as JSON.
import { FinchError } from '../../src/errors.ts';
import { createProcessHost } from '../../src/host/process-host.ts';
import { promptLine } from '../../src/host/terminal.ts';

const { stdout } = createProcessHost();
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const answers: unknown[] = [];
try {
  for (const question of process.argv.slice(2)) {
    const secret = question.startsWith('secret:');
    answers.push(await promptLine(question, { secret, signal: stop.signal }));
  }
} catch (error) {
  if (!(error instanceof FinchError)) throw error;
  answers.push({ code: error.code, message: error.message });
}
stdout.write(`answers ${JSON.stringify(answers)}\n`);
process.exit();
