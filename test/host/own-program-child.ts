import { installFolder, ownCommand, ownProgram } from '../../src/host/own-program.ts';

process.stdout.write('running\n');
await Bun.stdin.text();
process.stdout.write(JSON.stringify([ownProgram(), ownCommand(), installFolder()]));
