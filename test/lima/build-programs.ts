import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildGoModules } from '../support/build-go-modules.ts';
import { engineModules, enginePrograms } from '../support/engine/programs.ts';
import { go } from '../support/go-modules.ts';
import { mustRun } from './run-command.ts';
import { say } from './steps.ts';

/** What is built of Go modules for a run. */
export interface Programs {
  /** With what it runs in a guest where it looks for it. */
  readonly limactl: string;
  /** What Lima unpacks into a guest in place of what nerdctl's own releases have. */
  readonly archive: string;
}

/** Services as they are in releases of nerdctl; containerd's own comes with Debian's package. */
const UNITS: Readonly<Record<string, string>> = {
  'buildkit.service': `[Unit]
Requires=containerd.service
After=containerd.service
[Service]
ExecStart=/usr/local/bin/buildkitd
[Install]
WantedBy=multi-user.target
`,
  // Lima starts it with the others, and finch has no use for it.
  'stargz-snapshotter.service': `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
`,
};

/** Builds what is not there yet. The first time takes minutes. */
export async function buildPrograms(folder: string): Promise<Programs> {
  await buildGoModules(engineModules, (line) => say(`     ${line}`));
  const limactl = join(folder, 'lima/bin/limactl');
  await copyFile(enginePrograms.limactl, limactl);
  await buildGuestAgent(join(folder, 'lima/share/lima/lima-guestagent.Linux-x86_64.gz'));
  const archive = join(folder, 'engine.tar');
  if (!existsSync(archive)) await packEngine(archive);
  return { limactl, archive };
}

/** Lima's part in a guest, of the same version. */
async function buildGuestAgent(path: string): Promise<void> {
  if (existsSync(path)) return;
  const lima = engineModules.find(({ programs }) => programs.includes('limactl'));
  if (lima === undefined) throw new Error('the tests build no limactl any more');
  const { path: name, version, versionVariable } = lima;
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOWORK: 'off' };
  const long = { env, timeoutMs: 900_000 };
  const program = go ?? 'go';
  const said = await mustRun([program, 'mod', 'download', '-json', `${name}@${version}`], long);
  const { Dir } = JSON.parse(said) as { readonly Dir: string };
  const work = await mkdtemp(join(tmpdir(), 'finch-lima-'));
  try {
    // What Go downloads must not be changed, and is not to be written beside.
    await mustRun(['cp', '-R', '--no-preserve=mode', Dir, join(work, 'source')]);
    const flags = ['-trimpath', '-ldflags', `-s -w -X ${versionVariable}=${version}`];
    const agent = join(work, 'lima-guestagent');
    await mustRun(['nice', program, 'build', ...flags, '-o', agent, './cmd/lima-guestagent'], {
      ...long,
      cwd: join(work, 'source'),
    });
    await mkdir(dirname(path), { recursive: true });
    const bytes = Bun.gzipSync(await Bun.file(agent).bytes());
    await Bun.write(`${path}.new`, bytes);
    await rename(`${path}.new`, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packEngine(archive: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'finch-lima-'));
  try {
    const { nerdctl, buildctl, buildkitd } = enginePrograms;
    for (const program of [nerdctl, buildctl, buildkitd]) {
      await copyFile(program, join(work, 'bin', program.slice(dirname(program).length + 1)));
    }
    const units = join(work, 'lib/systemd/system');
    await mkdir(units, { recursive: true });
    for (const [name, text] of Object.entries(UNITS)) await writeFile(join(units, name), text);
    await mustRun([
      'tar',
      '-C',
      work,
      '--owner=0',
      '--group=0',
      '-cf',
      `${archive}.new`,
      'bin',
      'lib',
    ]);
    await rename(`${archive}.new`, archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies a program so that every user may run it. */
async function copyFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { force: true });
  await chmod(to, 0o755);
}
