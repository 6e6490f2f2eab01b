import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { finchBinary } from '../e2e/support/finch.ts';
import { buildImage } from './build-image.ts';
import { buildPrograms } from './build-programs.ts';
import { guestOverride } from './guest-override.ts';
import { guideSteps } from './guide-steps.ts';
import { mustRun, runCommand, type User } from './run-command.ts';
import { say, takeSteps } from './steps.ts';
import { whyNot } from './why-not.ts';

// `bun test/lima/run.ts CACHE [--user NAME] [--emulate]`: see README.md here.

/** An emulated machine: what it can be, and no /dev/kvm. */
const EMULATED =
  'qemu-system-x86_64 -machine q35,vmport=off -accel tcg,thread=multi,tb-size=512 -cpu max';

const { values, positionals } = parseArgs({
  options: { user: { type: 'string' }, emulate: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [cache] = positionals;
const reason = whyNot(cache, values.user);
if (cache === undefined || reason !== undefined) {
  say(`cannot run with a real Lima here: ${reason}`);
  process.exit(2);
}

const folder = resolve(cache);
await mkdir(folder, { recursive: true });
say(`what is not in ${folder} yet is made, which takes minutes`);
const programs = await buildPrograms(folder);
const image = await buildImage(join(folder, 'image'));
const user = values.user === undefined ? undefined : await userOf(values.user);

// Short, because it begins the names of sockets, which have 108 bytes.
const home = await mkdtemp('/tmp/fl-');
const bin = join(home, 'bin');
const lima = join(home, '.finch/lima');
const env = {
  ...{ HOME: home, LANG: 'C.UTF-8' },
  PATH: [bin, '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(':'),
  ...(values.emulate && { QEMU_SYSTEM_X86_64: EMULATED }),
};
let isRight = false;
try {
  const config = join(lima, '_config');
  await Promise.all([bin, config].map((path) => mkdir(path, { recursive: true })));
  await cp(finchBinary, join(bin, 'finch'));
  await writeFile(join(config, 'override.yaml'), stringify(guestOverride(image, programs)));
  if (user !== undefined) await mustRun(['chown', '-R', `${user.uid}:${user.gid}`, home]);
  isRight = await takeSteps(guideSteps({ home, env, user, limactl: programs.limactl }));
  if (!isRight) await keepLogs();
} finally {
  await runCommand(['finch', 'vm', 'remove', '--force'], { env, user });
  await rm(home, { recursive: true, force: true });
}
process.exit(isRight ? 0 : 1);

/** Sets aside what the guest and Lima said, where there still is a machine. */
async function keepLogs(): Promise<void> {
  for (const name of ['serial.log', 'ha.stderr.log']) {
    const path = join(lima, 'finch', name);
    const kept = join(folder, name);
    if (!existsSync(path)) continue;
    await cp(path, kept);
    say(`       kept: ${kept}`);
  }
}

/** The numbers of a user of this machine. */
async function userOf(name: string): Promise<User> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => mustRun(['id', flag, name])));
  return { uid: Number(uid), gid: Number(gid) };
}
