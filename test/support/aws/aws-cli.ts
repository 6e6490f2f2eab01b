import { pythonPrograms } from './python-programs.ts';

/** A Python in which an AWS CLI is installed, and the version of that. */
export interface AwsCli {
  readonly python: string;
  readonly version: string;
}

/**
 * Runs each of the command lines, as the JSON on stdin has them with their environments, in a child of its own of a
 * process that has loaded the AWS CLI once: one start of it takes a second.
 */
const RUN_ALL = `
import json, os, sys, tempfile
import awscli.clidriver
from awscli.clidriver import main
try:
    import awscli.botocore.session, awscli.botocore.credentials
except ImportError:
    import botocore.session, botocore.credentials
answers = []
for job in json.load(sys.stdin):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    pid = os.fork()
    if pid == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        own = os.environ.get('AWS_DATA_PATH', '')
        os.environ.clear()
        os.environ.update(job['env'])
        os.environ['AWS_DATA_PATH'] = own
        status = 255
        try:
            sys.argv = ['aws'] + job['args']
            try:
                status = main(job['args'])
            except TypeError:
                status = main()
        except SystemExit as ended:
            status = ended.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status or 0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    out.seek(0)
    err.seek(0)
    answers.append({'status': status, 'stdout': out.read().decode(), 'stderr': err.read().decode()})
json.dump(answers, sys.stdout)
`;

/** The AWS CLIs of this machine, each of another version. */
export function awsClis(): readonly AwsCli[] {
  const found = new Map<string, AwsCli>();
  for (const name of ['/usr/bin/python3', pythonPrograms.python]) {
    const python = Bun.which(name);
    if (python === null) continue;
    const probe = 'import awscli.clidriver; print(awscli.__version__)';
    const { success, stdout } = Bun.spawnSync([python, '-c', probe], { stderr: 'ignore' });
    const version = stdout.toString().trim();
    if (success) found.set(version, { python, version });
  }
  return [...found.values()];
}

/** What came of a command line. */
export interface AwsCliAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the AWS CLI once for each. */
export async function runAwsCli(
  { python }: AwsCli,
  jobs: readonly {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }[],
): Promise<readonly AwsCliAnswer[]> {
  const child = Bun.spawn([python, '-c', RUN_ALL], {
    stdin: new TextEncoder().encode(JSON.stringify(jobs)),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as readonly AwsCliAnswer[];
}
