import { join } from 'node:path';
import { readConfigFile } from '../../../src/credentials/config-file.ts';
import {
  eraseCredential,
  fileKeychain,
  storeCredential,
} from '../../../src/credentials/file-keychain.ts';
import { parseServer } from '../../../src/credentials/server-name.ts';
import { isJsonObject, type JsonObject } from '../../../src/oci/json.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise, promiseSame, whyUnclean } from '../promises.ts';
import type { Target } from '../target.ts';

const SEEDS = [
  '{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "bWU6c2VjcmV0"\n\t\t}\n\t},\n\t"credsStore": "desktop"\n}\n',
  '{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi","email":"x"},"new.example":{}}}',
  '{"auths":null,"HttpHeaders":{"a":"b"},"psFormat":"table {{.ID}}","__proto__":{"x":1}}',
  '{"auths":{"ghcr.io":{"username":"me","password":"secret"},"https://ghcr.io/v2/":{"auth":""}}}',
  '',
  '{"auths":{"ghcr.io":1.0},"big":12345678901234567890,"huge":1e400,"small":-0,"list":[1E5]}',
  '{}',
];

/** `config.json`: read, asked, written and cleared; what is not a login of that server survives. */
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
  ],
  mutators: [mutateJson, mutateJson],
  async open() {
    const folder = await temporaryFolder();
    const path = join(folder.path, 'config.json');
    const server = parseServer('new.example');
    const credential = { kind: 'password' as const, username: 'me', secret: 'secret' };
    return {
      seeds: SEEDS.map((text) => new TextEncoder().encode(text)),
      async run(input) {
        await Bun.write(path, input);
        try {
          const before = await readConfigFile(path);
          const found = await fileKeychain(path).credential('ghcr.io');
          promise(
            found?.kind !== 'password' || typeof found.secret === 'string',
            'a login without secret',
          );
          await storeCredential(path, server, credential);
          const stored = await fileKeychain(path).credential('new.example');
          promiseSame(stored, credential, 'the login that was stored');
          promiseSame(others(await readConfigFile(path)), others(before), 'what was there before');
          const removed = await eraseCredential(path, server);
          promise(removed.includes(server.key), 'the login was not removed');
          promiseSame(others(await readConfigFile(path)), others(before), 'what was there before');
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

/** All but the logins of the server that the target changes. */
function others(config: JsonObject): unknown {
  const { auths, ...rest } = config;
  const kept = Object.entries(isJsonObject(auths) ? auths : {}).filter(
    ([key]) => !/new\.example/i.test(key),
  );
  return [Object.entries(rest), kept];
}
