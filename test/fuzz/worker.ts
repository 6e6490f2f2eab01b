import { type CampaignResult, runCampaign } from './campaign.ts';
import { CurrentInput } from './current-input.ts';
import { targets } from './targets/all.ts';

// One target in a process of its own, so that its memory is its own and its end is seen by another.

/** What a worker writes to stdout as JSON. */
export interface WorkerReport extends CampaignResult {
  readonly peakRss: number;
}

if (import.meta.main) {
  const [name, seed = '', inputs, seconds, file = ''] = process.argv.slice(2);
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const current = new CurrentInput(file);
  const result = await runCampaign(target, {
    seed,
    inputs: Number(inputs),
    deadline: performance.now() + Number(seconds) * 1000,
    onInput: (index, input) => current.set(index, input),
  });
  const report: WorkerReport = { ...result, peakRss: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exit();
}
