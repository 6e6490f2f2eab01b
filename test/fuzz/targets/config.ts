import { join } from 'node:path';
import { readConfigFile } from '../../../src/credentials/config-file.ts';
import type { Credential } from '../../../src/credentials/credential.ts';
import { fileStore } from '../../../src/credentials/file-store.ts';
import { parseServer } from '../../../src/credentials/server-name.ts';
import { isJsonObject, type JsonObject } from '../../../src/oci/json.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise, promiseSame, whyUnclean } from '../promises.ts';
import { type Target, textOf } from '../target.ts';

const SEEDS = [
  '{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "bWU6c2VjcmV0"\n\t\t}\n\t},\n\t"credsStore": "desktop"\n}\n',
  '{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi","email":"x"},"new.example":{}}}',
  '{"auths":null,"HttpHeaders":{"a":"b"},"psFormat":"table {{.ID}}","__proto__":{"x":1}}',
  '{"auths":{"ghcr.io":{"username":"me","password":"secret"},"https://ghcr.io/v2/":{"auth":""}}}',
  '',
  '{"auths":{"ghcr.io":1.0},"big":12345678901234567890,"huge":1e400,"small":-0,"list":[1E5]}',
  '{}',
  '\ufeff{\r\n  "auths" : { "a.test" : { "identitytoken":"x" },\r\n\r\n "ghcr.io/team":{"registrytoken": "y"} }\r\n}\r\n',
  '{"auths":{"a":{}},"x":1,"auths":{"new.example":{"auth":"YTpi","auth":""},"a":{}}}',
];

/** `config.json`: read, asked, written and cleared; what is not a login of that server stays as it is written. */
export const config: Target = {
  name: 'config',
  share: 6,
  maxBytes: 512 * 1024,
  words: [
    'auths',
    'auth',
    'ghcr.io',
    'new.example',
    'https://new.example/v1/',
    'username',
    'password',
    'identitytoken',
    'registrytoken',
    'ghcr.io/team',
  ],
  mutators: [mutateJson, mutateJson],
  async open() {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'config.json');
    const [server, ghcr] = [parseServer('new.example'), parseServer('ghcr.io')];
    const credential = { kind: 'password' as const, username: 'me', secret: 'secret' };
    return {
      seeds: SEEDS.map((text) => new TextEncoder().encode(text)),
      async run(input) {
        await Bun.write(path, input);
        const store = fileStore(path);
        const isLogin = (found: Credential | undefined) =>
          promise(found === undefined || secretOf(found) !== undefined, 'a login without secret');
        try {
          const before = await readConfigFile(path);
          await store.list();
          isLogin(await unless(store.get(ghcr)));
          isLogin(await unless(store.get(ghcr, { repository: 'team/app' })));
          const old = keysOf(before);
          await store.store(server, credential);
          promiseSame(await store.get(server), credential, 'the login that was stored');
          promiseSame(others(await readConfigFile(path)), others(before), 'what was there before');
          const removed = await store.erase(server);
          promiseSame(removed, [server.key], 'what was removed');
          promiseSame(others(await readConfigFile(path)), others(before), 'what was there before');
          if (old === undefined || old.length === 0 || isOurs(textOf(input))) return;
          promise(Buffer.compare(await Bun.file(path).bytes(), input) === 0, 'other bytes changed');
        } catch (error) {
          if (whyUnclean(error) !== undefined) throw error;
          const after = await Bun.file(path).bytes();
          promise(Buffer.compare(after, input) === 0, 'a file that cannot be used was changed');
          throw error;
        }
      },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
};

/** What `asked` gives; undefined when the entry it is about cannot be read. */
async function unless(asked: Promise<Credential | undefined>): Promise<Credential | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (whyUnclean(error) === undefined) return undefined;
    throw error;
  }
}

function secretOf(credential: Credential): unknown {
  return credential.kind === 'password' ? credential.secret : credential.token || undefined;
}

/** The keys in `auths`; undefined when there is no such object. */
function keysOf({ auths }: JsonObject): readonly string[] | undefined {
  return isJsonObject(auths) ? Object.keys(auths) : undefined;
}

function isOurs(key: string): boolean {
  return /new\.example/i.test(key);
}

/** All but the logins of the server that the target changes. */
function others(config: JsonObject): unknown {
  const { auths, ...rest } = config;
  const kept = Object.entries(isJsonObject(auths) ? auths : {}).filter(([key]) => !isOurs(key));
  return [Object.entries(rest), kept];
}
