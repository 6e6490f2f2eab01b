/** One of several processes that repair the store `argv[2]` at once, at the time `argv[3]`: says how many files it set aside. */
import { repairStore } from '../../src/store/repair-store.ts';

const [, , path = '', start = ''] = process.argv;
Bun.sleepSync(Math.max(0, Number(start) - Date.now()));
const { setAside } = await repairStore(path);
process.stdout.write(`${setAside.length}\n`);
