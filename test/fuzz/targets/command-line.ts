import { createApp } from '../../../src/app.ts';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { createTalk } from '../../../src/cli/talk.ts';
import { commands } from '../../../src/commands/index.ts';
import type { Host } from '../../../src/host/host.ts';
import { filterImages } from '../../../src/images/filter-images.ts';
import { finch } from '../../commands/command-line.ts';
import { buildImage, buildMultiPlatform } from '../../support/images.ts';
import { promise, whyUnclean } from '../promises.ts';
import { type Target, textOf } from '../target.ts';

/** What works on the network, or waits for the user; its flags and arguments are parsed all the same. */
const NOT_RUN = /^(?:login|load|push|pull|registry|image (?:load|push|pull))\b/;

const platform = { os: 'linux', architecture: 'amd64' };

const words = [
  ...commands.flatMap(({ paths }) => paths.map((path) => path.replace(' ', '\n'))),
  ...[
    '\n--',
    '\n-',
    '\n--help',
    '\n--debug',
    '\n--filter\n',
    '\n--format=',
    '\n-q',
    '\n-qf',
    '\n--quiet=true',
  ],
  ...[
    'label=',
    'reference=',
    'before=',
    'since=',
    'dangling=true',
    '{{.Name}}',
    'table ',
    'json',
    '*',
  ],
  ...['app:1', 'multi', '--platform=', 'linux/arm64', '--all-platforms', '--no-trunc', '--digests'],
];

/** Command lines, one word a line: parsed for every command, and run where that stays in the store. */
export const commandLine: Target = {
  name: 'command-line',
  share: 20,
  maxBytes: 4096,
  words,
  async open() {
    await using resources = new AsyncDisposableStack();
    const place = resources.use(await finch());
    await place.load(buildImage({ labels: { team: 'web' } }), 'app:1');
    await place.load(buildMultiPlatform('linux/amd64', 'linux/arm64'), 'ghcr.io/me/multi:2');
    const output = { isTerminal: false, columns: 80, write: () => {}, send: async () => {} };
    const host: Host = {
      ...{ env: {}, home: place.home, platform, stdout: output, stderr: output },
      now: () => new Date(place.now),
      stdin: { isTerminal: false, async *stream() {} },
    };
    const app = resources.use(createApp(host, createTalk(host)));
    const store = await app.store();
    const all = await Promise.all(
      commands.map(async (entry) => ({ entry, ...(await entry.load()) })),
    );
    const { signal } = new AbortController();
    const owned = resources.move();
    return {
      seeds: [
        '--\x1b[2J',
        `images\n-${'q'.repeat(1000)}`,
        'images',
        'images\n--filter\nlabel=team=web\n--format\n{{.Name}} {{.CreatedAt}}',
        'image\nls\n-q',
        'images\n--format=table {{.Repository}}\\t{{.Tag}}\n--no-trunc',
        'tag\napp:1\nother:2',
        'version',
        'version\n--format\njson',
        'help\nimages',
        '--help',
        'registry\n--help',
        'imges',
        'rmi\n--help',
        'images\n-f\nreference=*:1\n-f\nbefore=multi:2',
        'push\n--platform=linux/arm64\n--\n-x',
        'logout\nghcr.io',
      ].map((text) => new TextEncoder().encode(text)),
      async run(input) {
        const argv = textOf(input).split('\n');
        for (const { entry, command } of all) {
          try {
            const parsed = parseArguments(entry.paths[0], command, { argv, signal });
            promise(
              parsed.args.every((arg) => argv.includes(arg)),
              'an argument is not what was typed',
            );
          } catch (error) {
            const why = whyUnclean(error);
            promise(why === undefined, why ?? '');
          }
        }
        const line = argv
          .filter((word) => word !== '--debug')
          .join(' ')
          .replace(/^(?:help )+/, '');
        if (NOT_RUN.test(line) || /^(?:rmi|image (?:rm|remove))\b/.test(line)) return;
        await runCommandLine(argv, { app, signal });
        const names = store.names().map(({ name }) => name);
        const remove = names.filter((name) => !/\/app:1$|\/multi:2$/.test(name));
        if (remove.length > 0) await store.changeNames({ remove });
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/** Values of `--filter` and the name behind `finch images`. */
export const filter: Target = {
  name: 'filter',
  share: 30,
  maxBytes: 1024,
  words: [
    'label=',
    'reference=',
    'before=',
    'since=',
    'dangling=',
    'true',
    '*',
    '?',
    '[a-z]',
    '(',
    '+',
    '$',
  ],
  async open() {
    const place = await finch();
    await place.load(buildImage({ labels: { team: 'web', __proto__: 'x' } }), 'app:1');
    await place.load(buildMultiPlatform('linux/amd64', 'linux/arm64'), 'ghcr.io/me/multi:2');
    const store = await place.openStore();
    return {
      seeds: [
        ...[
          'label=team',
          'label=team=web',
          'reference=a*',
          'reference=.*multi',
          'reference=[a-c]pp:?',
        ],
        ...[
          'before=app:1',
          'since=multi',
          'dangling=true',
          'dangling=maybe',
          'x',
          'app',
          'ghcr.io/me/multi:2',
        ],
      ].map((text) => new TextEncoder().encode(text)),
      async run(input) {
        const text = textOf(input);
        const named = filterImages(store, { name: text, filters: [], platform });
        const found = await named.catch((error: unknown) => {
          const why = whyUnclean(error);
          promise(why === undefined, why ?? '');
          return [];
        });
        const filtered = await filterImages(store, { filters: [text, text], platform });
        promise(found.length + filtered.length <= 4, 'more than there are');
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  },
};
