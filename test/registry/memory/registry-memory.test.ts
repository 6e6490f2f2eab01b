import { Database } from 'bun:sqlite';
import { afterEach, describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { currentOwner } from '../../../src/host/owner.ts';
import { hideSecret, redactText } from '../../../src/http/redact.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import {
  type OpenMemoryOptions,
  openRegistryMemory,
} from '../../../src/registry/memory/open-memory.ts';
import {
  emptyMemory,
  type KeptUpload,
  type RegistryMemory,
} from '../../../src/registry/memory/registry-memory.ts';
import { CANARY } from '../../support/canary.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const DAY = 86_400_000;
const digest = digestOf(new TextEncoder().encode('a blob'));
const key = { registry: 'reg.example.com', repository: 'team/app', digest };
const upload: KeptUpload = {
  location: `https://reg.example.com/v2/team/app/blobs/uploads/1?_state=a-state-of-an-upload`,
  offset: 42,
};

await using folder = await temporaryFolder();
let files = 0;
const opened: RegistryMemory[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one[Symbol.dispose]();
});

/** A place for a memory that is not there yet, in a folder that is not there either. */
function newPath(): string {
  files += 1;
  return join(folder.path, `home-${files}`, 'registries.db');
}

function open(path: string, options: Partial<OpenMemoryOptions> = {}): RegistryMemory {
  const memory = openRegistryMemory({ path, ...options });
  opened.push(memory);
  return memory;
}

/** This process's name, with another start time: a process that is gone. */
function goneOwner(n = 1): string {
  return currentOwner().replace(/^(\d+)\.\d+\./, `$1.${n}.`);
}

/** Somebody whom nobody here can see: on another machine. */
const unseenOwner = '1.1.abcdef.1.abcdef';

describe('an upload', () => {
  test('of a process that is gone becomes this process’s own, once', () => {
    const path = newPath();
    open(path, { owner: goneOwner(), now: () => 1000 }).keepUpload(key, upload);
    const memory = open(path, { now: () => 2000 });
    expect(memory.claimUpload(key)).toEqual(upload);
    expect(memory.claimUpload(key)).toBeUndefined();
    expect(open(path, { owner: goneOwner(2) }).claimUpload(key)).toBeUndefined();
  });

  test('of a living process stays its own', () => {
    const path = newPath();
    open(path).keepUpload(key, upload);
    expect(open(path, { owner: goneOwner() }).claimUpload(key)).toBeUndefined();
  });

  test("whose courier lives is nobody else's before that is gone, too", () => {
    const path = newPath();
    open(path, { owner: goneOwner() }).keepUpload(key, { ...upload, courier: currentOwner() });
    const memory = open(path, { owner: goneOwner(2) });
    expect(memory.isCarried(key)).toBe(true);
    expect(memory.claimUpload(key)).toBeUndefined();
    open(path, { owner: goneOwner() }).keepUpload(key, { ...upload, courier: goneOwner(3) });
    expect(memory.isCarried(key)).toBe(false);
    expect(memory.claimUpload(key)).toMatchObject(upload);
  });

  test('of a living process is not carried, whoever carries it', () => {
    const path = newPath();
    open(path).keepUpload(key, { ...upload, courier: currentOwner() });
    expect(open(path, { owner: goneOwner() }).isCarried(key)).toBe(false);
  });

  test('of a process that cannot be seen from here is left behind after a day', () => {
    const path = newPath();
    open(path, { owner: unseenOwner, now: () => 0 }).keepUpload(key, upload);
    expect(open(path, { now: () => DAY }).claimUpload(key)).toBeUndefined();
    expect(open(path, { now: () => DAY + 1 }).claimUpload(key)).toMatchObject(upload);
  });

  test('that is a week old is forgotten, and one of the future too', () => {
    for (const now of [7 * DAY + 1, -2 * DAY]) {
      const path = newPath();
      open(path, { owner: goneOwner(), now: () => 0 }).keepUpload(key, upload);
      expect(open(path, { now: () => now }).claimUpload(key)).toBeUndefined();
    }
  });

  test('is of one blob in one repository of one registry', () => {
    const path = newPath();
    open(path, { owner: goneOwner() }).keepUpload(key, upload);
    const memory = open(path);
    expect(memory.claimUpload({ ...key, repository: 'team/other' })).toBeUndefined();
    expect(memory.claimUpload({ ...key, registry: 'other.example.com' })).toBeUndefined();
    const other = digestOf(new Uint8Array(1));
    expect(memory.claimUpload({ ...key, digest: other })).toBeUndefined();
  });

  test('is given where it came last, and not after it was forgotten', () => {
    const path = newPath();
    const gone = open(path, { owner: goneOwner() });
    gone.keepUpload(key, { ...upload, offset: 0 });
    gone.keepUpload(key, { ...upload, offset: 99 });
    const memory = open(path);
    expect(memory.claimUpload(key)?.offset).toBe(99);
    memory.forgetUpload(key);
    const owned = open(path, { owner: goneOwner(2) });
    owned.keepUpload(key, upload);
    owned.forgetUpload(key);
    expect(memory.claimUpload(key)).toBeUndefined();
  });

  test('that came furthest is given first of several, then the next', () => {
    const path = newPath();
    open(path, { owner: goneOwner(1) }).keepUpload(key, { ...upload, offset: 1 });
    open(path, { owner: goneOwner(2) }).keepUpload(key, { ...upload, offset: 2 });
    const memory = open(path);
    expect(memory.claimUpload(key)?.offset).toBe(2);
    expect(memory.claimUpload(key)?.offset).toBe(1);
    expect(memory.claimUpload(key)).toBeUndefined();
  });

  test.each([
    ['location', 'no address'],
    ['location', 'file:///etc/passwd'],
    ['location', `https://reg.example.com/${'x'.repeat(20_000)}`],
    ['position', -1],
  ])('whose %s was changed into what it cannot be is forgotten', (column, value) => {
    const path = newPath();
    open(path, { owner: goneOwner() }).keepUpload(key, upload);
    using raw = new Database(path);
    raw.run(`UPDATE uploads SET ${column} = ?`, [value]);
    expect(open(path).claimUpload(key)).toBeUndefined();
    expect(raw.query('SELECT * FROM uploads').all()).toEqual([]);
  });

  test('is a secret: its query is hidden from then on', () => {
    const path = newPath();
    const state = 'aVeryOwnStateOfAnUpload';
    const location = `https://reg.example.com/upload?odd=${state}`;
    open(path, { owner: goneOwner() }).keepUpload(key, { ...upload, location });
    expect(redactText(`it said odd=${state}`)).toBe('it said REDACTED');
    // Alone it may be any word that a registry chose.
    expect(redactText(state)).toBe(state);
  });

  test('is not written down where a registry repeats a login in it, and else however often', () => {
    hideSecret(CANARY);
    const path = newPath();
    const gone = open(path, { owner: goneOwner() });
    const base = 'https://reg.example.com/upload';
    for (const location of [`${base}?a=${encodeURIComponent(CANARY)}`, `${base}/${CANARY}/1`]) {
      gone.keepUpload(key, { ...upload, location });
    }
    using raw = new Database(path);
    expect(raw.query('SELECT * FROM uploads').all()).toEqual([]);
    const location = `${base}?_state=somethingThatIsLong&x=1`;
    for (const offset of [1, 2, 3]) gone.keepUpload(key, { ...upload, location, offset });
    expect(open(path).claimUpload(key)).toMatchObject({ location, offset: 3 });
  });

  test('goes to one of many processes that want it at the same time', async () => {
    const path = newPath();
    open(path, { owner: goneOwner() }).keepUpload(key, upload);
    const module = join(import.meta.dir, '../../../src/registry/memory/open-memory.ts');
    const code = `
      import { openRegistryMemory } from ${JSON.stringify(module)};
      const memory = openRegistryMemory({ path: ${JSON.stringify(path)} });
      const claimed = memory.claimUpload(${JSON.stringify(key)});
      console.log(claimed === undefined ? 'no' : 'yes');
      await new Response(Bun.stdin.stream()).text();
      memory[Symbol.dispose]();`;
    const children = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, '-e', code], { stdin: 'pipe', stdout: 'pipe' }),
    );
    const answers = await Promise.all(
      children.map(async ({ stdout }) => {
        const { value } = await stdout.getReader().read();
        return new TextDecoder().decode(value).trim();
      }),
    );
    for (const child of children) child.stdin.end();
    await Promise.all(children.map(({ exited }) => exited));
    expect(answers.toSorted()).toEqual(['no', 'no', 'no', 'yes']);
  });
});

describe('places', () => {
  test('are told the last one first, without the one that asks, and three at most', () => {
    for (const [memory, again] of bothKinds()) {
      for (const name of ['a', 'b', 'c', 'd', 'e']) memory.rememberPlace('reg', name, digest);
      memory.rememberPlace('reg', 'c', digest);
      expect(again().placesOf('reg', digest, 'e')).toEqual(['c', 'd', 'b']);
      expect(again().placesOf('other', digest, 'e')).toEqual([]);
    }
  });

  test('that turned out to be none are forgotten', () => {
    for (const [memory, again] of bothKinds()) {
      memory.rememberPlace('reg', 'a', digest);
      memory.rememberPlace('reg', 'b', digest);
      memory.forgetPlace('reg', 'b', digest);
      expect(again().placesOf('reg', digest, '')).toEqual(['a']);
    }
  });

  test('are forgotten after 90 days', () => {
    const path = newPath();
    const memory = open(path, { now: () => 0 });
    memory.rememberPlace('reg', 'a', digest);
    memory[Symbol.dispose]();
    expect(open(path, { now: () => 90 * DAY }).placesOf('reg', digest, '')).toEqual([]);
  });

  test('are as many as were remembered, by whatever many batches', () => {
    const path = newPath();
    const memory = open(path);
    const digests = Array.from({ length: 200 }, (_, i) => digestOf(Buffer.from(`${i}`)));
    for (const one of digests) memory.rememberPlace('reg', 'a', one);
    memory[Symbol.dispose]();
    const later = open(path);
    expect(digests.filter((one) => later.placesOf('reg', one, '').length === 1)).toHaveLength(200);
  });
});

/** A memory of one process, and one on disk with one that is opened after it. */
function bothKinds(): readonly (readonly [RegistryMemory, () => RegistryMemory])[] {
  const empty = emptyMemory();
  const path = newPath();
  let time = 0;
  const kept = open(path, { now: () => (time += 1) });
  const reopened = () => {
    kept[Symbol.dispose]();
    return open(path, { now: () => time });
  };
  return [
    [empty, () => empty],
    [kept, reopened],
  ];
}

describe('what a host has shown', () => {
  test('is merged, and known to the next process', () => {
    const path = newPath();
    const memory = open(path);
    memory.learn('reg', { chunkBytes: 5, noMount: true });
    memory.learn('reg', { chunkBytes: 7, challenge: 'Basic realm="x"' });
    const expected = { chunkBytes: 7, noMount: true, challenge: 'Basic realm="x"' };
    expect(memory.traits('reg')).toEqual(expected);
    expect(open(path).traits('reg')).toEqual(expected);
    expect(open(path).traits('other')).toEqual({});
  });

  test('does not count after 30 days, each trait by its own age', () => {
    const path = newPath();
    open(path, { now: () => 0 }).learn('reg', { chunkBytes: 5, noMount: true });
    open(path, { now: () => DAY }).learn('reg', { chunkBytes: 6 });
    expect(open(path, { now: () => 30 * DAY + 1 }).traits('reg')).toEqual({ chunkBytes: 6 });
  });

  test.each([
    ['chunkBytes', '-1'],
    ['chunkBytes', '"5"'],
    ['chunkBytes', '1e99'],
    ['noMount', '1'],
    ['way', '"up"'],
    ['challenge', '5'],
    ['challenge', 'no json'],
    ['__proto__', '{"way":"whole"}'],
  ])('is left out where %s is %s', (trait, value) => {
    const path = newPath();
    open(path).learn('reg', { noStatus: true });
    using raw = new Database(path);
    raw.run('INSERT INTO traits VALUES (?, ?, ?, ?)', ['reg', trait, value, Date.now()]);
    const traits = open(path).traits('reg');
    expect([Object.keys(traits), traits.way]).toEqual([['noStatus'], undefined]);
  });
});

describe('the file', () => {
  test('is read and written by its owner alone, with its side files, also when it was open to others', async () => {
    const path = newPath();
    const memory = open(path);
    memory.learn('reg', { noMount: true });
    const names = ['registries.db', 'registries.db-shm', 'registries.db-wal'];
    const modes = async () => {
      const found = await readdir(join(path, '..'));
      expect(found.toSorted()).toEqual(names);
      return Promise.all(
        names.map(async (name) => (await stat(join(path, '..', name))).mode & 0o777),
      );
    };
    expect(await modes()).toEqual([0o600, 0o600, 0o600]);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    for (const name of names) await chmod(join(path, '..', name), 0o644);
    open(path).traits('reg');
    expect(await modes()).toEqual([0o600, 0o600, 0o600]);
  });

  test('is not made before it is asked', async () => {
    const path = newPath();
    open(path)[Symbol.dispose]();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('that is damaged is set aside and begun anew, and both are said once', async () => {
    const path = newPath();
    await mkdir(join(path, '..'));
    await writeFile(path, 'x'.repeat(9000));
    const lines: string[] = [];
    const memory = open(path, { trace: (line) => lines.push(line) });
    memory.learn('reg', { noMount: true });
    memory.keepUpload(key, upload);
    expect(lines).toEqual([
      `${path} was damaged (SQLITE_NOTADB) and begun anew; the old one is ${path}.damaged`,
    ]);
    expect(await readFile(`${path}.damaged`, 'utf8')).toBe('x'.repeat(9000));
    expect(open(path).traits('reg')).toEqual({ noMount: true });
  });

  test('that lost its tables is begun anew', () => {
    const path = newPath();
    open(path).learn('reg', { noMount: true });
    const raw = new Database(path);
    raw.run('DROP TABLE places');
    raw.close();
    const memory = open(path);
    memory.rememberPlace('reg', 'a', digest);
    memory[Symbol.dispose]();
    expect(open(path).placesOf('reg', digest, '')).toEqual(['a']);
  });

  test('loses what is too old when something new is written, and nothing else', () => {
    const path = newPath();
    const memory = open(path, { owner: goneOwner(), now: () => 0 });
    memory.keepUpload(key, upload);
    memory.learn('old', { noMount: true });
    memory.rememberPlace('reg', 'old', digest);
    memory[Symbol.dispose]();
    using raw = new Database(path);
    const rows = () =>
      ['uploads', 'traits', 'places'].map(
        (table) => raw.query(`SELECT * FROM ${table}`).all().length,
      );
    open(path, { now: () => 5 * DAY }).learn('new', { noMount: true });
    expect(rows()).toEqual([1, 2, 1]);
    open(path, { now: () => 31 * DAY }).learn('new', { chunkBytes: 5 });
    expect(rows()).toEqual([0, 2, 1]);
    open(path, { now: () => 91 * DAY }).learn('newest', { chunkBytes: 5 });
    expect(rows()).toEqual([0, 1, 0]);
  });

  test('of an older finch is made anew', () => {
    const path = newPath();
    open(path).learn('reg', { noMount: true });
    using raw = new Database(path);
    raw.run('PRAGMA user_version = 1');
    const memory = open(path);
    expect(memory.traits('reg')).toEqual({});
    memory.learn('reg', { chunkBytes: 5 });
    expect(raw.query('SELECT trait FROM traits').all()).toEqual([{ trait: 'chunkBytes' }]);
  });

  test('of a newer finch is left as it is, and done without', () => {
    const path = newPath();
    open(path).learn('reg', { noMount: true });
    const raw = new Database(path);
    raw.run('PRAGMA user_version = 99');
    raw.close();
    const lines: string[] = [];
    const memory = open(path, { trace: (line) => lines.push(line) });
    expect(memory.traits('reg')).toEqual({});
    memory.learn('reg', { chunkBytes: 5 });
    memory.rememberPlace('reg', 'a', digest);
    expect(memory.traits('reg')).toEqual({ chunkBytes: 5 });
    expect(memory.placesOf('reg', digest, '')).toEqual(['a']);
    expect(lines).toEqual([`${path} cannot be used: a newer finch made it`]);
    using after = new Database(path);
    expect(after.query('SELECT trait FROM traits').all()).toEqual([{ trait: 'noMount' }]);
  });

  test('that is a pipe, or a link to what is somebody else’s, is left alone', async () => {
    const path = newPath();
    await mkdir(dirname(path), { recursive: true });
    Bun.spawnSync(['mkfifo', path]);
    open(path).learn('reg', { noMount: true });
    const linked = newPath();
    await mkdir(dirname(linked), { recursive: true });
    const theirs = `${linked}.theirs`;
    await writeFile(theirs, '', { mode: 0o644 });
    await symlink(theirs, linked);
    open(linked).learn('reg', { noMount: true });
    expect((await stat(theirs)).mode & 0o777).toBe(0o644);
    expect(await readFile(theirs, 'utf8')).toBe('');
  });

  test('that was set aside as damaged does not stay for ever', async () => {
    const path = newPath();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'x'.repeat(5000));
    open(path).learn('reg', { noMount: true });
    expect(await Bun.file(`${path}.damaged`).exists()).toBe(true);
    open(path, { now: () => Date.now() + 8 * DAY }).learn('reg', { noMount: true });
    expect(await Bun.file(`${path}.damaged`).exists()).toBe(false);
  });

  test('that cannot be written warns once, when an upload is to be written down', async () => {
    const path = newPath();
    await mkdir(path, { recursive: true });
    const lines: string[] = [];
    const notes: string[] = [];
    const memory = open(path, {
      trace: (line) => lines.push(line),
      report: (line) => notes.push(line),
    });
    expect(memory.traits('reg')).toEqual({});
    expect(notes).toEqual([]);
    memory.keepUpload(key, upload);
    memory.keepUpload(key, upload);
    expect(lines).toEqual([`${path} cannot be used: it is not a file`]);
    expect(notes).toEqual([
      `warning: cannot write ${path}; if this is interrupted, uploads begin anew next time`,
    ]);
  });

  test('on a full disk is done without', () => {
    const path = newPath();
    open(path).learn('reg', { noMount: true });
    const notes: string[] = [];
    const memory = open(path, { report: (line) => notes.push(line) });
    expect(memory.traits('reg')).toEqual({ noMount: true });
    using raw = new Database(path);
    raw.run(`CREATE TRIGGER full BEFORE INSERT ON uploads BEGIN SELECT RAISE(FAIL, 'full'); END`);
    memory.keepUpload(key, upload);
    expect(notes).toHaveLength(1);
    expect(memory.traits('reg')).toEqual({ noMount: true });
  });

  test('that another program has locked is not waited for long, and then given up', () => {
    const path = newPath();
    open(path).learn('reg', { noMount: true });
    using raw = new Database(path);
    raw.run('BEGIN IMMEDIATE');
    const lines: string[] = [];
    const memory = open(path, { trace: (line) => lines.push(line) });
    for (let i = 0; i < 9; i++) memory.keepUpload(key, upload);
    expect(lines).toEqual([`${path} cannot be used: another program has locked it`]);
    raw.run('ROLLBACK');
    expect(open(path).traits('reg')).toEqual({ noMount: true });
  });

  test('that is made by many processes at once has what all of them wrote', async () => {
    const path = newPath();
    const module = join(import.meta.dir, '../../../src/registry/memory/open-memory.ts');
    const children = Array.from({ length: 6 }, (_, i) =>
      Bun.spawn([
        process.execPath,
        '-e',
        `import { openRegistryMemory } from ${JSON.stringify(module)};
         using memory = openRegistryMemory({ path: ${JSON.stringify(path)} });
         memory.learn('reg-${i}', { chunkBytes: ${i + 1} });`,
      ]),
    );
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual(children.map(() => 0));
    const memory = open(path);
    const found = children.map((_, i) => memory.traits(`reg-${i}`).chunkBytes);
    expect(found).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('does nothing more once it is closed', () => {
    const path = newPath();
    const notes: string[] = [];
    const memory = open(path, { report: (line) => notes.push(line) });
    memory.learn('reg', { noMount: true });
    memory[Symbol.dispose]();
    memory.keepUpload(key, upload);
    expect(memory.claimUpload(key)).toBeUndefined();
    expect(open(path, { owner: goneOwner() }).traits('reg')).toEqual({ noMount: true });
  });
});

test('whatever bytes the file has, nothing throws', async () => {
  const path = newPath();
  await mkdir(join(path, '..'));
  const header = new TextEncoder().encode('SQLite format 3\0');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, isSqlite) => {
      await writeFile(path, isSqlite ? Buffer.concat([header, bytes]) : bytes);
      const memory = openRegistryMemory({ path });
      memory.learn('reg', { noMount: true });
      memory.claimUpload(key);
      memory.keepUpload(key, upload);
      expect(memory.traits('reg')).toEqual({ noMount: true });
      memory[Symbol.dispose]();
    }),
    { numRuns: 25 },
  );
});
