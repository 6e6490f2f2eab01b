import type { HelperName } from './cli/run-helper-program.ts';
import { FinchError, systemCode } from './errors.ts';
import { version } from './version.ts';

const argv = process.argv.slice(2);
const interrupt = new AbortController();

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
  process.on(name, () => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new FinchError('CANCELLED', 'interrupted'));
  });
}

process.exit(await main());

async function main(): Promise<number> {
  // The compiled program learns here by which of its links it was called.
  const helper = helperName(process.argv0);
  if (helper !== undefined || argv.includes('login') || argv[0] === 'ecr') {
    // Passwords come in, and one may stand among the arguments.
    const { crashInSilence } = await import('./host/core-dump.ts');
    await crashInSilence();
  }
  if (helper !== undefined) {
    const { runHelperProgram } = await import('./cli/run-helper-program.ts');
    return runHelperProgram(helper, argv, interrupt);
  }
  // Scripts ask this often, and it takes nothing of the rest, nor of `node:fs`: 4.5 ms instead of 8.
  if (argv[0] === '--version' || argv[0] === '-v') return sayVersion();
  const { runProgram } = await import('./cli/program.ts');
  return runProgram(argv, interrupt);
}

/** The credential helper that finch was called as, by what stands behind `docker-credential-`. */
function helperName(argv0: string): HelperName | undefined {
  const name = /(?:^|[\\/])docker-credential-([a-z-]+)(?:\.exe)?$/i.exec(argv0)?.[1]?.toLowerCase();
  return name === 'finch' || name === 'ecr-login' ? name : undefined;
}

async function sayVersion(): Promise<number> {
  try {
    await Bun.write(Bun.stdout, `finch version v${version}\n`);
  } catch (error) {
    // Whoever reads has gone.
    if (systemCode(error) === 'EPIPE') return 0;
    process.stderr.write(`finch: cannot write stdout: ${systemCode(error) ?? 'unknown error'}\n`);
    process.stderr.write('hint: check where stdout goes to\n');
    return 1;
  }
  return 0;
}
