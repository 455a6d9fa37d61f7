// npm run chaos: the engine under random faults, and a checker that shares no code with it.
import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readOptions, USAGE } from './chaos/options.ts';
import { describeReport, reportOf } from './chaos/report.ts';
import { runChaos } from './chaos/run.ts';
import { timelinePage } from './chaos/timeline.ts';
import { runScript } from './cli.ts';

await runScript({
  name: 'npm run chaos --',
  usage: USAGE,
  options: {
    ops: { type: 'string' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    break: { type: 'string' },
    json: { type: 'string' },
    html: { type: 'string' },
  },
  run: async (flags) => {
    const options = readOptions(flags);
    const run = await runChaos(options, (line) => console.log(line));
    const report = reportOf(run);
    for (const line of describeReport(report)) console.log(line);
    if (options.jsonFile !== undefined)
      writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
    if (options.htmlFile !== undefined) writeFileSync(options.htmlFile, timelinePage(run, report));
    // Its log is of use only when something was found.
    if (report.exit_code === 0) rmSync(dirname(run.logFile), { recursive: true });
    return report.exit_code;
  },
});
